/// A secret as an entry of the index; `Index` describes the form.
extension SecretMetadata {
    private static let sealedFlag: UInt8 = 1

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: name)
        bytes.append(littleEndian: identifier.value)
        bytes.append(littleEndian: createdAt)
        bytes.append(littleEndian: updatedAt)
        bytes.append(isSealed ? Self.sealedFlag : 0)
        bytes.append(littleEndian: checkedAt)
        bytes.append(littleEndian: failure?.at ?? 0)
        bytes.append(littleEndian: UInt32(failure?.count ?? 0))
        bytes.append(text: failure?.reason ?? "")
        bytes.append(littleEndian: UInt16(labels.count))
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            bytes.append(text: key)
            bytes.append(text: value)
        }
        bytes.append(littleEndian: UInt32(versions.count))
        for version in versions {
            bytes.append(littleEndian: UInt32(version.number))
            bytes.append(littleEndian: version.createdAt)
            bytes.append(littleEndian: version.uid ?? SecretVersion.unknownUID)
            bytes.append(littleEndian: UInt32(version.size))
            bytes.append(littleEndian: version.digest.value)
            bytes.append(littleEndian: version.object.value)
            bytes.append(text: version.source)
        }
        return bytes
    }

    init?(decoding reader: inout ByteReader) {
        guard let name = reader.text(), let id = reader.integer(UInt128.self),
            let createdAt = reader.integer(Int64.self), let updatedAt = reader.integer(Int64.self),
            let flags = reader.integer(UInt8.self), let checkedAt = reader.integer(Int64.self),
            let failedAt = reader.integer(Int64.self), let failures = reader.integer(UInt32.self),
            let reason = reader.text(), let labels = Self.labels(&reader)
        else { return nil }
        guard let count = reader.integer(UInt32.self), count > 0 else { return nil }
        var versions: [SecretVersion] = []
        for _ in 0..<count {
            guard let version = SecretVersion(decoding: &reader) else { return nil }
            versions.append(version)
        }
        self.init(
            identifier: Identifier(id), name: name, labels: labels, createdAt: createdAt, updatedAt: updatedAt,
            isSealed: flags & Self.sealedFlag != 0, checkedAt: checkedAt,
            failure: failures == 0 ? nil : Failure(at: failedAt, count: Int(failures), reason: reason), versions: versions)
    }

    private static func labels(_ reader: inout ByteReader) -> [String: String]? {
        guard let count = reader.integer(UInt16.self) else { return nil }
        var labels: [String: String] = [:]
        for _ in 0..<count {
            guard let key = reader.text(), let value = reader.text() else { return nil }
            labels[key] = value
        }
        return labels
    }

    /// Passes over what follows the name of an entry; false where it could not be decoded.
    static func skip(_ reader: inout ByteReader) -> Bool {
        guard reader.skip(16 + 8 + 8 + 1 + 8 + 8 + 4), reader.textBytes() != nil,
            let labelCount = reader.integer(UInt16.self)
        else { return false }
        for _ in 0..<2 * Int(labelCount) {
            guard reader.textBytes() != nil else { return false }
        }
        guard let count = reader.integer(UInt32.self), count > 0 else { return false }
        for _ in 0..<count {
            guard reader.skip(SecretVersion.fixedCount), reader.textBytes() != nil else { return false }
        }
        return true
    }
}

extension SecretVersion {
    fileprivate static let unknownUID = UInt32.max
    /// The bytes of a version without its source.
    fileprivate static let fixedCount = 4 + 8 + 4 + 4 + 8 + 16

    fileprivate init?(decoding reader: inout ByteReader) {
        guard let number = reader.integer(UInt32.self), let createdAt = reader.integer(Int64.self),
            let uid = reader.integer(UInt32.self), let size = reader.integer(UInt32.self),
            let fingerprint = reader.integer(UInt64.self), let object = reader.integer(UInt128.self),
            let source = reader.text()
        else { return nil }
        self.init(
            number: Int(number), createdAt: createdAt, uid: uid == Self.unknownUID ? nil : uid, source: source,
            size: Int(size), digest: Fingerprint(value: fingerprint), object: Identifier(object))
    }
}

/// The entries of format 1: one source for all versions, and no user.
extension SecretMetadata {
    init?(decodingFormat1 reader: inout ByteReader) {
        guard let name = reader.text(), let id = reader.integer(UInt128.self),
            let createdAt = reader.integer(Int64.self), let updatedAt = reader.integer(Int64.self),
            let source = reader.text(), let labels = Self.labels(&reader),
            let count = reader.integer(UInt32.self), count > 0
        else { return nil }
        var versions: [SecretVersion] = []
        for position in 1...count {
            guard let number = reader.integer(UInt32.self), let createdAt = reader.integer(Int64.self),
                let size = reader.integer(UInt32.self), let fingerprint = reader.integer(UInt64.self),
                let object = reader.integer(UInt128.self)
            else { return nil }
            versions.append(SecretVersion(
                number: Int(number), createdAt: createdAt, uid: nil, source: position == count ? source : "",
                size: Int(size), digest: Fingerprint(value: fingerprint), object: Identifier(object)))
        }
        self.init(
            identifier: Identifier(id), name: name, labels: labels, createdAt: createdAt, updatedAt: updatedAt,
            versions: versions)
    }
}
