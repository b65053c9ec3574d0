import Linux
import SecretMemory

/// The one plain file of a store: what it is, and who can open it.
///
///     stackup-store 2
///     store 5d0f…                       the store's id, 32 hexadecimal digits
///     slot keyfile 91c2… …              one line for each key slot: see `KeySlot`
///     check 7 07ab…                     the header's number, and a keyed hash of all before it
///
/// It is text so that a person can see what a folder is. Nothing in it is secret, and nothing in it is trusted: a wrong id or slot
/// makes everything sealed fail to open. What it takes to open the store is not enough to be given a new data key, though: a
/// rekey wraps that for the slots that stand here, so it first asks for the check, which only the store's key ring can make. The ring
/// knows the newest header's number as well, so that an older header, with a slot that was removed, is not taken for the newest.
struct StoreHeader: Equatable, Sendable {
    static let fileName = "header"
    static let sizeLimit = 65536
    /// Each slot with a passphrase costs whoever tries one a second.
    static let slotLimit = 32

    let store: Identifier
    let content: Content

    enum Content: Equatable, Sendable {
        case one([FormatOneSlot])
        case two(slots: [KeySlot], number: UInt64, check: [UInt8])
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
    init(store: Identifier, slots: [KeySlot], number: UInt64, keyRing: KeyRing) throws(SystemCallError) {
        let unchecked = Array(Self.uncheckedText(store: store, slots: slots, number: number).utf8)
        self.init(store: store, content: .two(slots: slots, number: number, check: try keyRing.check(of: unchecked)))
    }

    /// The header that follows this one.
    func followed(by slots: [KeySlot], keyRing: KeyRing) throws(SystemCallError) -> StoreHeader {
        try StoreHeader(store: store, slots: slots, number: number + 1, keyRing: keyRing)
    }

    /// The header of format 2 for a store whose header is of format 1: its one slot has a new key pair.
    ///
    /// - Parameter key: the key file's, which unwrapped the data key.
    func upgraded(
        with key: borrowing SecretBytes, dataKey: borrowing SecretBytes, keyRing: KeyRing
    ) throws(SystemCallError) -> StoreHeader {
        let slot = try KeySlot.make(
            .keyFile(key: Identifier(ofKey: key)), identifier: .random(), unlockingKey: key,
            dataKeys: DataKeys(newest: try dataKey.copied()), sender: keyRing, store: store)
        return try followed(by: [slot], keyRing: keyRing)
    }

    /// Whether the store made it, as its newest.
    func isAuthentic(_ keyRing: KeyRing) throws(SystemCallError) -> Bool {
        guard case .two(let slots, let number, let check) = content, number >= keyRing.headerNumber else { return false }
        return try keyRing.check(of: Array(Self.uncheckedText(store: store, slots: slots, number: number).utf8)) == check
    }
}

/// The text.
extension StoreHeader {
    private static let magic = "stackup-store "

    var text: String {
        switch content {
        case .one(let slots):
            (["\(Self.magic)1", "store \(store.hexadecimal)"] + slots.map(\.line)).joined(separator: "\n") + "\n"
        case .two(let slots, let number, let check):
            Self.uncheckedText(store: store, slots: slots, number: number) + "\(hexadecimal(check))\n"
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
        var lines = String(decoding: bytes, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        // The newline at the end shows that nothing is cut off.
        guard lines.count >= 4, lines.removeLast().isEmpty, lines[0].hasPrefix(Self.magic) else {
            throw .damaged(file: file, what: .broken)
        }
        guard let format = Int(lines[0].dropFirst(Self.magic.count)).flatMap(StoreFormat.init) else { throw .newerFormat(file: file) }
        let fields = lines[1].split(separator: " ", omittingEmptySubsequences: false)
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
            let fields = lines.last!.split(separator: " ", omittingEmptySubsequences: false)
            guard slots.count == lines.count - 1, (1...slotLimit).contains(slots.count),
                fields.count == 3, fields[0] == "check", let number = UInt64(fields[1]),
                let check = bytes(hexadecimal: fields[2]), check.count == 32
            else { return nil }
            return .two(slots: slots, number: number, check: check)
        }
    }
}
