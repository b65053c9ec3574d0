import Glibc

/// The table of contents: every secret with its versions, every stack with its record, no value.
///
/// It stays in its encoded form and entries are decoded when someone asks for them, so that opening a
/// store of ten thousand secrets to read one costs little more than unsealing the table. All integers
/// are little-endian; texts are UTF-8 behind a 16-bit count. Once unsealed, it reads:
///
///     generation      u64     counts the commits
///     secrets         u32     how many
///     stacks          u32     how many
///     log head                file u128, sequence u64, hash 32 bytes, start u64, end u64: see `LogHead`
///     ends            u32[]   where each entry ends, counted from the first entry's start
///     secret entries          in the order of their names' bytes
///     stack entries           in the order of their names' bytes
///
///     secret entry    name, id u128, created i64, updated i64, flags u8 (1: sealed), checked i64,
///                     failed i64, failures u32, reason, labels u16 × (key, value),
///                     versions u32 × (number u32, created i64, uid u32, size u32, fingerprint u64,
///                     object u128, source)
///     stack entry     name, object u128
struct Index: Sendable {
    static let fileName = "index"
    /// Far more than a million secrets; keeps every offset within 32 bits.
    static let sizeLimit = 512 << 20

    /// The two tables, one after the other.
    enum Table { case secrets, stacks }

    private(set) var bytes: [UInt8]
    let generation: UInt64
    let secretCount: Int
    let stackCount: Int
    /// The log's end as of this commit.
    let logHead: LogHead

    private static let fixedCount = 16 + LogHead.encodedCount
    private var entriesStart: Int { Self.fixedCount + 4 * (secretCount + stackCount) }

    /// The index of a new store.
    init() {
        self.init(generation: 0, logHead: LogHead(), secretCount: 0, stackCount: 0, ends: [], entries: [])
    }

    /// Takes an index apart just enough to know that every entry can be decoded; nil where one can't.
    ///
    /// The seal has already shown that a holder of the key wrote it; this keeps a mistake of theirs
    /// from becoming a crash of ours.
    init?(decoding bytes: [UInt8]) {
        let fixed: (UInt64, Int, Int, LogHead)? = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let generation = reader.integer(UInt64.self), let secrets = reader.integer(UInt32.self),
                let stacks = reader.integer(UInt32.self), let logHead = LogHead(decoding: &reader)
            else { return nil }
            return (generation, Int(secrets), Int(stacks), logHead)
        }
        guard let fixed else { return nil }
        self.bytes = bytes
        (generation, secretCount, stackCount, logHead) = fixed
        guard bytes.count <= Self.sizeLimit, entriesStart <= bytes.count, isWellFormed() else { return nil }
    }

    private func isWellFormed() -> Bool {
        bytes.withUnsafeBytes { bytes in
            var end = entriesStart
            var previousName: UnsafeRawBufferPointer?
            for position in 0..<secretCount + stackCount {
                let start = end
                end = entryEnd(position, in: bytes)
                guard start <= end, end <= bytes.count else { return false }
                var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                guard let name = reader.textBytes() else { return false }
                if position == secretCount { previousName = nil }
                if let previousName, compare(previousName, name) >= 0 { return false }
                previousName = name
                guard position < secretCount ? SecretMetadata.skip(&reader) : reader.skip(16), reader.isAtEnd
                else { return false }
            }
            return end == bytes.count
        }
    }
}

/// Finding entries.
extension Index {
    private func entryEnd(_ position: Int, in bytes: UnsafeRawBufferPointer) -> Int {
        let offset = Self.fixedCount + 4 * position
        return entriesStart + Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    private func entryRange(_ position: Int, in bytes: UnsafeRawBufferPointer) -> Range<Int> {
        (position == 0 ? entriesStart : entryEnd(position - 1, in: bytes))..<entryEnd(position, in: bytes)
    }

    /// A reader of one entry, its name next. `position` counts through both tables.
    private func reader(_ position: Int, in bytes: UnsafeRawBufferPointer) -> ByteReader {
        ByteReader(UnsafeRawBufferPointer(rebasing: bytes[entryRange(position, in: bytes)]))
    }

    /// The positions of a table's entries.
    func positions(of table: Table) -> Range<Int> {
        switch table {
        case .secrets: 0..<secretCount
        case .stacks: secretCount..<secretCount + stackCount
        }
    }

    /// Where a name is, or where it would have to be.
    func search(_ name: String, in table: Table) -> (position: Int, found: Bool) {
        var name = name
        return name.withUTF8 { name in
            bytes.withUnsafeBytes { bytes in
                var range = positions(of: table)
                while !range.isEmpty {
                    let middle = range.lowerBound + range.count / 2
                    var reader = reader(middle, in: bytes)
                    let order = reader.textBytes().map { compare($0, UnsafeRawBufferPointer(name)) } ?? 1
                    if order == 0 { return (middle, true) }
                    range = order < 0 ? middle + 1..<range.upperBound : range.lowerBound..<middle
                }
                return (range.lowerBound, false)
            }
        }
    }

    func secret(_ name: String) -> SecretMetadata? {
        let (position, found) = search(name, in: .secrets)
        return found ? secret(at: position) : nil
    }

    /// The secret at a position of its table.
    func secret(at position: Int) -> SecretMetadata? {
        bytes.withUnsafeBytes { bytes in
            var reader = reader(position, in: bytes)
            return SecretMetadata(decoding: &reader)
        }
    }

    /// The secrets whose ids lie in a range; only those are decoded.
    func secrets(in range: ClosedRange<Identifier>) -> [SecretMetadata] {
        let matches = bytes.withUnsafeBytes { bytes in
            positions(of: .secrets).filter { position in
                var reader = reader(position, in: bytes)
                guard reader.textBytes() != nil, let id = reader.integer(UInt128.self) else { return false }
                return range.contains(Identifier(id))
            }
        }
        return matches.compactMap { secret(at: $0) }
    }

    /// The object that holds a stack's record.
    func stackRecord(_ stack: String) -> Identifier? {
        let (position, found) = search(stack, in: .stacks)
        guard found else { return nil }
        return bytes.withUnsafeBytes { bytes in
            var reader = reader(position, in: bytes)
            guard reader.textBytes() != nil else { return nil }
            return reader.integer(UInt128.self).map(Identifier.init)
        }
    }

    /// The stacks' names in order.
    var stackNames: [String] {
        bytes.withUnsafeBytes { bytes in
            positions(of: .stacks).compactMap { position in
                var reader = reader(position, in: bytes)
                return reader.text()
            }
        }
    }

    /// Every object that the index refers to, and what it is.
    var contents: [(object: Identifier, kind: Binding.Kind)] {
        let values = positions(of: .secrets).flatMap { secret(at: $0)?.versions.map(\.object) ?? [] }
        return values.map { ($0, .secretValue) } + stackNames.compactMap(stackRecord).map { ($0, .stackRecord) }
    }

    /// Every object that the index refers to.
    var objects: Set<Identifier> { Set(contents.map(\.object)) }
}

/// The making of the next index.
extension Index {
    /// An entry to put in, or nil to take one out, by name.
    typealias Edits = [String: [UInt8]?]

    /// The next index: this one with some entries changed. What stays is copied as it is, in long runs.
    ///
    /// - Parameter generation: its number; nil for the one after this index's.
    func applying(secrets: Edits, stacks: Edits, logHead: LogHead, generation: UInt64? = nil) -> Index {
        var ends: [UInt8] = []
        var entries: [UInt8] = []
        ends.reserveCapacity(4 * (secretCount + stackCount + secrets.count + stacks.count))
        entries.reserveCapacity(bytes.count + secrets.count * 256)
        let newSecretCount = apply(secrets, to: .secrets, ends: &ends, entries: &entries)
        let newStackCount = apply(stacks, to: .stacks, ends: &ends, entries: &entries)

        return Index(
            generation: generation ?? self.generation &+ 1, logHead: logHead, secretCount: newSecretCount, stackCount: newStackCount,
            ends: ends, entries: entries)
    }

    private init(
        generation: UInt64, logHead: LogHead, secretCount: Int, stackCount: Int, ends: [UInt8], entries: [UInt8]
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.fixedCount + ends.count + entries.count)
        bytes.append(littleEndian: generation)
        bytes.append(littleEndian: UInt32(secretCount))
        bytes.append(littleEndian: UInt32(stackCount))
        bytes += logHead.encoded
        bytes += ends
        bytes += entries
        self.bytes = bytes
        self.generation = generation
        self.secretCount = secretCount
        self.stackCount = stackCount
        self.logHead = logHead
    }

    /// Appends one table with its edits and says how many entries it has then.
    private func apply(_ edits: Edits, to table: Table, ends: inout [UInt8], entries: inout [UInt8]) -> Int {
        let positions = positions(of: table)
        var next = positions.lowerBound
        let countBefore = ends.count
        bytes.withUnsafeBytes { bytes in
            func copy(upTo limit: Int) {
                guard next < limit else { return }
                let start = entryRange(next, in: bytes).lowerBound
                let shift = entries.count - start
                for position in next..<limit {
                    ends.append(littleEndian: UInt32(entryEnd(position, in: bytes) + shift))
                }
                entries.append(contentsOf: bytes[start..<entryEnd(limit - 1, in: bytes)])
                next = limit
            }
            // Swift orders strings by their canonical form; the index orders their bytes.
            let names = edits.keys.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
            for name in names {
                let (position, found) = search(name, in: table)
                copy(upTo: position)
                if found { next = position + 1 }
                if let entry = edits[name]! {
                    entries += entry
                    ends.append(littleEndian: UInt32(entries.count))
                }
            }
            copy(upTo: positions.upperBound)
        }
        return (ends.count - countBefore) / 4
    }
}

/// The index of format 1: the same without a log head, and with other entries of secrets.
extension Index {
    init?(decodingFormat1 bytes: [UInt8]) {
        let tables: (generation: UInt64, secrets: Edits, stacks: Edits)? = bytes.withUnsafeBytes { bytes in
            var reader = ByteReader(bytes)
            guard let generation = reader.integer(UInt64.self), let secretCount = reader.integer(UInt32.self),
                let stackCount = reader.integer(UInt32.self), reader.skip(4 * (Int(secretCount) + Int(stackCount)))
            else { return nil }
            var (secrets, stacks): (Edits, Edits) = ([:], [:])
            for _ in 0..<secretCount {
                guard let secret = SecretMetadata(decodingFormat1: &reader) else { return nil }
                secrets[secret.name] = secret.encoded
            }
            for _ in 0..<stackCount {
                guard let name = reader.text(), let object = reader.integer(UInt128.self) else { return nil }
                stacks[name] = Self.stackEntry(name, Identifier(object))
            }
            return reader.isAtEnd ? (generation, secrets, stacks) : nil
        }
        guard let tables else { return nil }
        self = Index().applying(
            secrets: tables.secrets, stacks: tables.stacks, logHead: LogHead(), generation: tables.generation)
    }

    /// The entry of a stack's record.
    static func stackEntry(_ name: String, _ object: Identifier) -> [UInt8] {
        var entry: [UInt8] = []
        entry.append(text: name)
        entry.append(littleEndian: object.value)
        return entry
    }
}

/// Orders names by their bytes, as memcmp(3) does.
private func compare(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int32 {
    let common = min(left.count, right.count)
    // memcmp of nothing is 0, but its pointers must not be null.
    let order = common == 0 ? 0 : memcmp(left.baseAddress!, right.baseAddress!, common)
    return order != 0 ? order : Int32(left.count < right.count ? -1 : left.count > right.count ? 1 : 0)
}
