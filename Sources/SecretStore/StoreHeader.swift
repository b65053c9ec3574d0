import CSodium
import Linux
import SecretMemory

/// The one plain file of a store: what it is, and who can open it.
///
///     stackup-store 2
///     store 5d0f…                       the store's id, 32 hexadecimal digits
///     slot keyfile 91c2… …              one line for each key slot: see `KeySlot`
///     check 7 07ab…                     the header's number, and a hash of all before it, keyed from the data key
///
/// It is text so that a person can see what a folder is. Nothing in it is secret, and nothing in it is trusted: a wrong id or slot
/// makes everything sealed fail to open. But a rekey seals the new data key for the slots that stand here; so it asks for the check
/// first, which takes the present data key to make: neither a passer-by's slot gets the new one, nor that of somebody who knew
/// an older one. The key ring knows the newest header's number, so that an older header, with a slot that was removed since, is not
/// taken for the newest. While a header holds two data keys, it has two checks.
struct StoreHeader: Equatable, Sendable {
    static let fileName = "header"
    static let sizeLimit = 65536
    /// Each slot with a passphrase costs whoever tries one a second.
    static let slotLimit = 32

    let store: Identifier
    let content: Content

    enum Content: Equatable, Sendable {
        case one([FormatOneSlot])
        case two(slots: [KeySlot], number: UInt64, checks: [[UInt8]])
    }

    var format: StoreFormat {
        switch content {
        case .one: .one
        case .two: .two
        }
    }

    /// Those of format 2.
    var slots: [KeySlot] {
        switch content {
        case .one: []
        case .two(let slots, _, _): slots
        }
    }

    /// How many headers there were before it; none in format 1.
    var number: UInt64 {
        switch content {
        case .one: 0
        case .two(_, let number, _): number
        }
    }
}

/// Making and checking.
extension StoreHeader {
    /// - Parameter dataKeys: what the slots hold.
    init(
        store: Identifier, slots: [KeySlot], number: UInt64, dataKeys: borrowing DataKeys
    ) throws(SystemCallError) {
        let unchecked = Self.uncheckedText(store: store, slots: slots, number: number)
        var checks = [try Self.check(of: unchecked, under: dataKeys.newest)]
        switch dataKeys.previous {
        case .some(let previous): checks.append(try Self.check(of: unchecked, under: previous))
        case nil: break
        }
        self.init(store: store, content: .two(slots: slots, number: number, checks: checks))
    }

    /// The header that follows this one.
    ///
    /// - Parameters:
    ///   - slots: which it has; each of them gets the data keys.
    ///   - sender: the store's key ring.
    func followed(
        by slots: [KeySlot], holding dataKeys: borrowing DataKeys, sender: KeyRing
    ) throws(SystemCallError) -> StoreHeader {
        var holding: [KeySlot] = []
        for slot in slots { holding.append(try slot.holding(dataKeys, sender: sender)) }
        return try StoreHeader(store: store, slots: holding, number: number + 1, dataKeys: dataKeys)
    }

    /// The header of format 2 for a store whose header is of format 1: its one slot has a new key pair.
    ///
    /// - Parameter key: the key file's, which unwrapped the data key.
    func upgraded(
        with key: borrowing SecretBytes, dataKey: borrowing SecretBytes, sender: KeyRing
    ) throws(SystemCallError) -> StoreHeader {
        let dataKeys = DataKeys(newest: try dataKey.copied())
        let slot = try KeySlot.make(
            .keyFile(key: Identifier(ofKey: key)), identifier: .random(), unlockingKey: key, dataKeys: dataKeys, sender: sender, store: store)
        return try StoreHeader(store: store, slots: [slot], number: number + 1, dataKeys: dataKeys)
    }

    /// Whether who made it knew the data key.
    func isAuthentic(under dataKey: borrowing SecretBytes) throws(SystemCallError) -> Bool {
        guard case .two(let slots, let number, let checks) = content else { return false }
        return checks.contains(try Self.check(of: Self.uncheckedText(store: store, slots: slots, number: number), under: dataKey))
    }

    private static func check(of text: String, under dataKey: borrowing SecretBytes) throws(SystemCallError) -> [UInt8] {
        let key = try dataKey.derivedKey(1, "stackhdr")
        let bytes = Array(text.utf8)
        var hash = [UInt8](repeating: 0, count: checkCount)
        key.withUnsafeBytes { key in
            _ = crypto_generichash(
                &hash, hash.count, bytes, UInt64(bytes.count), key.baseAddress!.assumingMemoryBound(to: UInt8.self), key.count)
        }
        return hash
    }

    private static let checkCount = 32
}

/// The text.
extension StoreHeader {
    private static let magic = "stackup-store "

    var text: String {
        switch content {
        case .one(let slots):
            (["\(Self.magic)1", "store \(store.hexadecimal)"] + slots.map(\.line)).joined(separator: "\n") + "\n"
        case .two(let slots, let number, let checks):
            Self.uncheckedText(store: store, slots: slots, number: number) + checks.map(hexadecimal).joined(separator: " ") + "\n"
        }
    }

    private static func uncheckedText(store: Identifier, slots: [KeySlot], number: UInt64) -> String {
        (["\(magic)2", "store \(store.hexadecimal)"] + slots.map(\.line) + ["check \(number) "]).joined(separator: "\n")
    }

    /// Reads the header of a store; nil where the folder has none.
    static func read(in folder: borrowing Folder) throws(StoreError) -> StoreHeader? {
        guard let file = try folder.read(fileName, limit: sizeLimit) else { return nil }
        return try StoreHeader(parsing: file.bytes, file: folder.path(of: fileName))
    }

    init(parsing bytes: [UInt8], file: String) throws(StoreError) {
        var lines = String(decoding: bytes, as: UTF8.self).fields(separatedBy: "\n").map(String.init)
        // The newline at the end shows that nothing is cut off.
        guard lines.count >= 4, lines.removeLast().isEmpty, lines[0].hasPrefix(Self.magic) else {
            throw .damaged(file: file, what: .broken)
        }
        guard let format = Int(lines[0].dropFirst(Self.magic.count)).flatMap(StoreFormat.init) else { throw .newerFormat(file: file) }
        let fields = lines[1].fields(separatedBy: " ")
        guard fields.count == 2, fields[0] == "store", let store = Identifier(hexadecimal: fields[1]),
            let content = Self.content(of: lines[2...], format)
        else { throw .damaged(file: file, what: .broken) }
        self.init(store: store, content: content)
        guard Array(text.utf8) == bytes else { throw .damaged(file: file, what: .broken) }
    }

    private static func content(of lines: ArraySlice<String>, _ format: StoreFormat) -> Content? {
        switch format {
        case .one:
            let slots = lines.compactMap(FormatOneSlot.init)
            return slots.count == lines.count ? .one(slots) : nil
        case .two:
            let slots = lines.dropLast().compactMap(KeySlot.init)
            let fields = lines.last!.fields(separatedBy: " ")
            guard slots.count == lines.count - 1, (1...slotLimit).contains(slots.count),
                (3...4).contains(fields.count), fields[0] == "check", let number = UInt64(fields[1])
            else { return nil }
            let checks = fields[2...].compactMap(bytes(hexadecimal:)).filter { $0.count == checkCount }
            return checks.count == fields.count - 2 ? .two(slots: slots, number: number, checks: checks) : nil
        }
    }
}
