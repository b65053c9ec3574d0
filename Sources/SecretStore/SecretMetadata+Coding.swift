/// A secret as an entry of the index; `Index` describes the form.
extension SecretMetadata {
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(text: name)
        bytes.append(littleEndian: identifier.value)
        bytes.append(littleEndian: createdAt)
        bytes.append(littleEndian: updatedAt)
        bytes.append(text: source)
        bytes.append(littleEndian: UInt16(labels.count))
        for (key, value) in labels.sorted(by: { $0.key < $1.key }) {
            bytes.append(text: key)
            bytes.append(text: value)
        }
        bytes.append(littleEndian: UInt32(versions.count))
        for version in versions {
            bytes.append(littleEndian: UInt32(version.number))
            bytes.append(littleEndian: version.createdAt)
            bytes.append(littleEndian: UInt32(version.size))
            bytes.append(littleEndian: version.digest.value)
            bytes.append(littleEndian: version.object.value)
        }
        return bytes
    }

    /// The bytes of one version.
    private static let versionCount = 4 + 8 + 4 + 8 + 16

    init?(decoding reader: inout ByteReader) {
        guard let name = reader.text(), let id = reader.integer(UInt128.self),
            let createdAt = reader.integer(Int64.self), let updatedAt = reader.integer(Int64.self),
            let source = reader.text(), let labelCount = reader.integer(UInt16.self)
        else { return nil }
        var labels: [String: String] = [:]
        for _ in 0..<labelCount {
            guard let key = reader.text(), let value = reader.text() else { return nil }
            labels[key] = value
        }
        guard let versionCount = reader.integer(UInt32.self), versionCount > 0 else { return nil }
        var versions: [SecretVersion] = []
        for _ in 0..<versionCount {
            guard let version = SecretVersion(decoding: &reader) else { return nil }
            versions.append(version)
        }
        self.init(
            identifier: Identifier(id), name: name, labels: labels, createdAt: createdAt, updatedAt: updatedAt,
            source: source, versions: versions)
    }

    /// Passes over what follows the name of an entry; false where it could not be decoded.
    static func skip(_ reader: inout ByteReader) -> Bool {
        guard reader.skip(16 + 8 + 8), reader.textBytes() != nil, let labelCount = reader.integer(UInt16.self)
        else { return false }
        for _ in 0..<2 * Int(labelCount) {
            guard reader.textBytes() != nil else { return false }
        }
        guard let count = reader.integer(UInt32.self), count > 0 else { return false }
        return reader.skip(Int(count) * versionCount)
    }
}

extension SecretVersion {
    fileprivate init?(decoding reader: inout ByteReader) {
        guard let number = reader.integer(UInt32.self), let createdAt = reader.integer(Int64.self),
            let size = reader.integer(UInt32.self), let fingerprint = reader.integer(UInt64.self),
            let object = reader.integer(UInt128.self)
        else { return nil }
        self.init(
            number: Int(number), createdAt: createdAt, size: Int(size), digest: Fingerprint(value: fingerprint),
            object: Identifier(object))
    }
}
