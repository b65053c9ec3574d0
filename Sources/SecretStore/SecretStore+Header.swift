import Linux
import SecretMemory

/// Writing the header, by the holder of the store's lock who has read the newest index.
extension SecretStore {
    /// Brings the header into the newest format, with one data key in each slot.
    ///
    /// - Returns: the key ring for the next index, which knows the header.
    func settleHeader(_ keyRing: KeyRing) throws(StoreError) -> KeyRing {
        if header.format == .one || header.isTransitional {
            try readHeaderToReplace()
            do {
                let dataKeys = DataKeys(newest: try dataKey.copied())
                let settled = try header.format == .one ? upgradedHeader(keyRing) : header.followed(by: header.slots, holding: dataKeys, sender: keyRing)
                try replaceHeader(with: settled, dataKeys)
            } catch let error as SystemCallError {
                throw .system(doing: "make a key", error)
            } catch {
                throw error as! StoreError
            }
        }
        return try noting(keyRing)
    }

    private func upgradedHeader(_ keyRing: KeyRing) throws(SystemCallError) -> StoreHeader {
        switch opener {
        case .keyFile(let key): try header.upgraded(with: key, dataKey: dataKey, sender: keyRing)
        case .slot: preconditionFailure("a header of format 1 is opened by a key file")
        }
    }

    /// Takes another command's newer header for the one to build on, after a look at whether the store made it.
    func readHeaderToReplace() throws(StoreError) {
        _ = try refreshHeader()
        do {
            guard try headerIsAuthentic(loaded?.keyRing) else {
                throw StoreError.changedHeader(file: folder.path(of: StoreHeader.fileName))
            }
        } catch let error as SystemCallError {
            throw .system(doing: "check the header", error)
        } catch {
            throw error as! StoreError
        }
    }

    /// Puts a header in the place of the present one.
    ///
    /// - Parameter dataKeys: what it holds.
    func replaceHeader(with header: StoreHeader, _ dataKeys: consuming DataKeys) throws(StoreError) {
        try folder.replace(StoreHeader.fileName, with: Array(header.text.utf8))
        do {
            try adopt(header, dataKeys)
        } catch {
            throw .system(doing: "keep a key", error)
        }
    }

    /// The key ring with the present header's number in it.
    func noting(_ keyRing: KeyRing) throws(StoreError) -> KeyRing {
        guard keyRing.headerNumber != header.number else { return keyRing }
        do {
            return try keyRing.noting(headerNumber: header.number)
        } catch {
            throw .system(doing: "keep a key", error)
        }
    }
}

extension StoreHeader {
    /// Whether its slots hold two data keys, since a rekey is under way or was cut short.
    var isTransitional: Bool { slots.contains { $0.holdsTwo } }
}
