import CSodium
import Linux
import SecretMemory

/// One way to unwrap the data key.
///
/// A slot is a line of the header: `slot`, the kind, and fields that only that kind understands.
/// Kinds that this version doesn't know are passed over, so that a store with, say, a passphrase slot
/// added by a later version still opens with its key file here.
enum KeySlot: Equatable, Sendable {
    /// The data key sealed under the key of a key file. The key's identifier, a keyed hash, tells a
    /// foreign key from a damaged slot.
    case keyFile(key: Identifier, wrapped: [UInt8])
    /// A kind of a later version, as it was written.
    case unknown(String)
}

extension KeySlot {
    /// Wraps the data key under a key file's key.
    static func wrapping(
        _ dataKey: borrowing SecretBytes, under key: borrowing SecretBytes, store: Identifier
    ) -> KeySlot {
        let identifier = Identifier(ofKey: key)
        let binding = Binding(store: store, object: identifier, kind: .dataKey)
        return .keyFile(key: identifier, wrapped: dataKey.withUnsafeBytes { Sealing.seal($0, under: key, as: binding) })
    }

    /// The data key; nil where this slot isn't for that key, or is damaged.
    func unwrap(with key: borrowing SecretBytes, store: Identifier) throws(SystemCallError) -> SecretBytes? {
        guard case .keyFile(let identifier, let wrapped) = self else { return nil }
        let binding = Binding(store: store, object: identifier, kind: .dataKey)
        guard let dataKey = try Sealing.openGuarded(wrapped, under: key, as: binding),
            dataKey.count == Sealing.keyCount
        else { return nil }
        return dataKey
    }
}

extension KeySlot {
    private static let keyFileKind = "key-file"

    /// The slot as a line of the header.
    var line: String {
        switch self {
        case .keyFile(let key, let wrapped):
            "slot \(Self.keyFileKind) \(key.hexadecimal) \(hexadecimal(wrapped))"
        case .unknown(let line): line
        }
    }

    /// Reads a line that starts with `slot `; nil where a known kind's fields are not what they should be.
    init?(line: String) {
        let fields = line.split(separator: " ", omittingEmptySubsequences: false)
        guard fields.count >= 2, fields[0] == "slot", !fields[1].isEmpty else { return nil }
        guard fields[1] == Self.keyFileKind else {
            self = .unknown(line)
            return
        }
        guard fields.count == 4, let key = Identifier(hexadecimal: fields[2]),
            let wrapped = bytes(hexadecimal: fields[3])
        else { return nil }
        self = .keyFile(key: key, wrapped: wrapped)
    }
}

extension Identifier {
    /// A keyed hash of nothing under a key: names the key and says nothing else about it.
    init(ofKey key: borrowing SecretBytes) {
        var hash: UInt128 = 0
        let context = Array("stackup key id 1".utf8)
        withUnsafeMutableBytes(of: &hash) { hash in
            _ = key.withUnsafeBytes { key in
                crypto_generichash(
                    hash.baseAddress!.assumingMemoryBound(to: UInt8.self), hash.count,
                    context, UInt64(context.count),
                    key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count)
            }
        }
        self.init(UInt128(bigEndian: hash))
    }
}

func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

func bytes(hexadecimal text: Substring) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count.isMultiple(of: 2), characters.allSatisfy(isLowercaseHexadecimal) else { return nil }
    func digit(_ character: UInt8) -> UInt8 {
        character <= UInt8(ascii: "9") ? character - UInt8(ascii: "0") : character - UInt8(ascii: "a") + 10
    }
    return stride(from: 0, to: characters.count, by: 2).map { digit(characters[$0]) << 4 | digit(characters[$0 + 1]) }
}
