import Linux
import SecretMemory

/// Finding a way into a store.
extension StoreHeader {
    /// Opens the header by whichever means are there, the ones that cost least first: the default key file, the kernel's keyring, other key
    /// files, commands, a passphrase. What fails is no reason not to try the next, a key file that is damaged or open to others neither.
    ///
    /// - Parameter file: the header's path, for messages.
    /// - Throws: what is wrong with the default key file where only that one could open it; otherwise `locked`, with what was tried.
    func unlock(_ location: StoreLocation, _ unlocker: StoreUnlocker, file: String) throws(StoreError) -> OpenedHeader {
        var search = UnlockingSearch(header: self, location: location, file: file)
        var opened = try search.open(with: unlocker)
        opened.keyFileProblem = search.keyFileDefect
        return opened
    }
}

extension OpenedHeader {
    /// Lets the unlocker open the store again without asking anybody.
    fileprivate borrowing func remember(in unlocker: StoreUnlocker) throws(StoreError) {
        do {
            switch opener {
            case .slot(let slot): try unlocker.remember(slot)
            // A header of format 1: its key file opens it again.
            case .keyFile: break
            }
        } catch {
            throw .system(doing: "keep a key", error)
        }
    }
}

/// A search for what opens a header, and what is found out on the way.
private struct UnlockingSearch {
    let header: StoreHeader
    let location: StoreLocation
    let file: String
    /// What became of each try, for the person.
    private var failures: [String] = []
    /// What is wrong with the default key file.
    private var keyFileProblem: StoreError?

    init(header: StoreHeader, location: StoreLocation, file: String) {
        self.header = header
        self.location = location
        self.file = file
    }

    /// Tries one means after the other.
    mutating func open(with unlocker: StoreUnlocker) throws(StoreError) -> OpenedHeader {
        if let path = unlocker.keyFile {
            guard let opened = try byKeyFile(path) else { throw keyFileProblem ?? refusal }
            return opened
        }
        do throws(StoreError) {
            if let opened = try byKeyFile(location.keyFile) { return opened }
        } catch {
            try pass(over: error)
        }
        guard header.format != .one else { throw keyFileProblem ?? refusal }
        if let opened = try again(unlocker) { return opened }
        if unlocker.usesKeyring, let opened = try byKeyring() { return opened }
        if let opened = try byNotedKeyFiles() { return opened }
        if let opened = try byCommands(unlocker) {
            try opened.remember(in: unlocker)
            return opened
        }
        if let opened = try byPassphrase(unlocker.passphrase) {
            try opened.remember(in: unlocker)
            return opened
        }
        throw refusal
    }

    private var refusal: StoreError {
        let needsMore = header.slots.contains { slot in
            switch slot.kind {
            case .keyFile: false
            case .passphrase, .command, .unknown: true
            }
        }
        if !needsMore, failures.isEmpty, let keyFileProblem { return keyFileProblem }
        return .locked(directory: location.directory, failures: [keyFileFailure].compactMap { $0 } + failures)
    }

    /// What became of the default key file where others were tried.
    private var keyFileFailure: String? {
        switch keyFileProblem {
        // A key file that is there and opens nothing would puzzle people.
        case .foreignKey(let path, _): "no slot has the key file \(path)"
        // Where every slot's place is noted, none is that of the default key file, and nobody misses it.
        case .keyMissing(let path, _): hasDefaultKeyFile ? "the key file \(path) is not there" : nil
        case let problem?: "\(problem)"
        case nil: nil
        }
    }

    private var hasDefaultKeyFile: Bool {
        header.slots.contains { slot in
            guard case .keyFile = slot.kind, case .some(.none) = try? SlotNote.read(location, slot.identifier) else { return false }
            return true
        }
    }

    /// What is wrong with a default key file that is there.
    var keyFileDefect: StoreError? {
        switch keyFileProblem {
        case .foreignKey, .keyMissing, nil: nil
        case let problem?: problem
        }
    }

    /// Keeps what is wrong with the default key file.
    ///
    /// - Throws: the problem where it is the header's.
    private mutating func pass(over problem: StoreError) throws(StoreError) {
        if case .damaged = problem { throw problem }
        keyFileProblem = problem
    }

    /// A key file opens what is sealed under its key.
    private mutating func byKeyFile(_ path: String) throws(StoreError) -> OpenedHeader? {
        let identifiers: [Identifier]
        switch header.content {
        case .one(let slots): identifiers = slots.map(\.key)
        case .two(let slots, _, _):
            identifiers = slots.compactMap { if case .keyFile(let key) = $0.kind { key } else { nil } }
        }
        guard !identifiers.isEmpty else { return nil }
        guard let key = try KeyFile.read(path) else {
            keyFileProblem = .keyMissing(keyFile: path, directory: location.directory)
            return nil
        }
        guard identifiers.contains(Identifier(ofKey: key)) else {
            keyFileProblem = .foreignKey(keyFile: path, header: file)
            return nil
        }
        guard let opened = try open(withKeyFile: key, path) else { throw .damaged(file: file, what: .broken) }
        return opened
    }

    private func open(withKeyFile key: consuming SecretBytes, _ path: String) throws(StoreError) -> OpenedHeader? {
        do {
            switch header.content {
            case .one:
                let opener = StoreOpener.keyFile(key)
                guard let dataKeys = try opener.dataKeys(in: header) else { return nil }
                return OpenedHeader(header: header, opener: opener, dataKeys: dataKeys, opening: .keyFile(path))
            case .two(let slots, _, _):
                for slot in slots where slot.kind == .keyFile(key: Identifier(ofKey: key)) {
                    if let opened = try open(slot, with: key, .keyFile(path)) { return opened }
                }
                return nil
            }
        } catch {
            throw .system(doing: "unwrap the data key", error)
        }
    }

    /// A slot by its unlocking key.
    private func open(
        _ slot: KeySlot, with unlockingKey: borrowing SecretBytes, _ opening: StoreOpening
    ) throws(SystemCallError) -> OpenedHeader? {
        guard let unlocked = try slot.unlock(with: unlockingKey, store: header.store),
            let dataKeys = try unlocked.dataKeys(in: slot)
        else { return nil }
        return OpenedHeader(header: header, opener: .slot(unlocked), dataKeys: dataKeys, opening: opening)
    }

    func byKeyring() throws(StoreError) -> OpenedHeader? {
        guard let unlocked = try UnlockedKey.read(of: header.store) else { return nil }
        return try open(with: unlocked, .keyring)
    }

    /// By the slot that a command or a passphrase has unlocked before.
    func again(_ unlocker: StoreUnlocker) throws(StoreError) -> OpenedHeader? {
        let unlocked: UnlockedSlot?
        do {
            unlocked = try unlocker.rememberedSlot()
        } catch {
            throw .system(doing: "keep a key", error)
        }
        guard let unlocked else { return nil }
        return try open(with: unlocked, .remembered)
    }

    private func open(with unlocked: consuming UnlockedSlot, _ opening: StoreOpening) throws(StoreError) -> OpenedHeader? {
        do {
            for slot in header.slots {
                guard let dataKeys = try unlocked.dataKeys(in: slot) else { continue }
                return OpenedHeader(header: header, opener: .slot(unlocked), dataKeys: dataKeys, opening: opening)
            }
        } catch {
            throw .system(doing: "unwrap the data key", error)
        }
        return nil
    }

    private mutating func byNotedKeyFiles() throws(StoreError) -> OpenedHeader? {
        for slot in header.slots {
            guard case .keyFile = slot.kind else { continue }
            do throws(StoreError) {
                guard case .keyFile(let path)? = try SlotNote.read(location, slot.identifier) else { continue }
                guard let key = try KeyFile.read(path) else {
                    failures.append("the key file \(path) is not there")
                    continue
                }
                if let opened = try open(withKeyFile: key, path) { return opened }
                failures.append("\(path) is not the key file of slot \(slot.identifier.hexadecimal)")
            } catch {
                failures.append("\(error)")
            }
        }
        return nil
    }

    private mutating func byCommands(_ unlocker: StoreUnlocker) throws(StoreError) -> OpenedHeader? {
        for slot in header.slots where slot.kind == .command {
            if let failure = unlocker.failedCommands[slot.identifier] {
                failures.append(failure)
                continue
            }
            do throws(StoreError) {
                guard case .command(let words)? = try SlotNote.read(location, slot.identifier) else {
                    failures.append("\(SlotNote.path(location, slot.identifier)), which names a command that prints the key, is not there")
                    continue
                }
                if let opened = try open(slot, byCommand: words) { return opened }
                fail(slot, "\(words[0]) printed another key than that of slot \(slot.identifier.hexadecimal)", unlocker)
            } catch {
                fail(slot, "\(error)", unlocker)
            }
        }
        return nil
    }

    private mutating func fail(_ slot: KeySlot, _ failure: String, _ unlocker: StoreUnlocker) {
        unlocker.failedCommands[slot.identifier] = failure
        failures.append(failure)
    }

    private func open(_ slot: KeySlot, byCommand words: [String]) throws(StoreError) -> OpenedHeader? {
        do {
            let output = try KeyCommand.output(of: words)
            return try open(slot, with: try KeyCommand.unlockingKey(from: output, slot: slot.identifier), .command(words))
        } catch let error as KeyCommandError {
            throw .invalid(error.description)
        } catch {
            throw .system(doing: "unwrap the data key", error as! SystemCallError)
        }
    }

    private mutating func byPassphrase(_ ask: (Int) throws(StoreError) -> SecretBytes?) throws(StoreError) -> OpenedHeader? {
        let slots = header.slots.compactMap { slot in
            if case .passphrase(let parameters) = slot.kind { (slot, parameters) } else { nil }
        }
        guard !slots.isEmpty else { return nil }
        var attempt = 1
        while let passphrase = try ask(attempt) {
            do {
                for (slot, parameters) in slots {
                    let key = try parameters.unlockingKey(from: passphrase)
                    if let opened = try open(slot, with: key, .passphrase) { return opened }
                }
            } catch {
                throw .system(doing: "unwrap the data key", error)
            }
            attempt += 1
        }
        if attempt > 1 { failures.append("no slot has that passphrase") }
        return nil
    }
}
