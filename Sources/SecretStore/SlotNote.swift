import Glibc
import JSON
import Linux

/// What a slot needs that must not stand in the header: who can write to the store must not choose what the owner executes.
///
/// It lies beside the key file as `<key file>.d/slot-<slot id>`, mode 0600, as a line of JSON: an array of words for a command, a
/// text for the path of a key file.
enum SlotNote: Equatable, Sendable {
    /// Where a key file lies that isn't at the default place.
    case keyFile(String)
    /// The program, by its absolute path, and its arguments.
    case command([String])

    private static let kind = "key slot's file"
    private static let sizeLimit = 65536
    private static let prefix = "slot-"

    static func path(_ location: StoreLocation, _ slot: Identifier) -> String {
        "\(location.keyNotes)/\(prefix)\(slot.hexadecimal)"
    }

    /// The note of a slot; nil where there is none.
    ///
    /// - Throws: where others could read it or put another one in its place, and where it isn't understood.
    static func read(_ location: StoreLocation, _ slot: Identifier) throws(StoreError) -> SlotNote? {
        let path = path(location, slot)
        guard let file = try PrivateFile.open(path, kind: kind) else { return nil }
        let bytes: [UInt8]?
        do {
            bytes = try file.readAll(limit: sizeLimit)
        } catch {
            throw .system(doing: "read the \(kind)", error.naming(path))
        }
        guard let bytes, let note = SlotNote(parsing: bytes) else { throw .damaged(file: path, what: .malformed) }
        return note
    }

    private init?(parsing bytes: [UInt8]) {
        switch try? JSONValue.parse(bytes) {
        case .string(let path)? where path.hasPrefix("/"):
            self = .keyFile(path)
        case .array(let words)?:
            let texts = words.compactMap(\.stringValue)
            guard texts.count == words.count, texts.first?.hasPrefix("/") == true else { return nil }
            self = .command(texts)
        default: return nil
        }
    }

    func write(_ location: StoreLocation, _ slot: Identifier) throws(StoreError) {
        let value: JSONValue =
            switch self {
            case .keyFile(let path): .string(path)
            case .command(let words): .array(words.map { .string($0) })
            }
        let path = Self.path(location, slot)
        guard let folder = try PrivateFile.folder(of: path, creating: true) else {
            throw .system(doing: "make the \(Self.kind)", SystemCallError("openat2", path, code: ENOENT))
        }
        do {
            try PrivateFile.create(path, in: folder.number) { file throws(SystemCallError) in
                try file.writeAll(Array((value.serialized() + "\n").utf8))
            }
        } catch {
            throw .system(doing: "make the \(Self.kind)", error.naming(path))
        }
    }

    static func remove(_ location: StoreLocation, _ slot: Identifier) throws(StoreError) {
        try PrivateFile.remove(path(location, slot))
    }

    /// The slot that a file in the folder of notes is about; nil where it is no note.
    static func slot(ofFile name: String) -> Identifier? {
        name.hasPrefix(prefix) ? Identifier(hexadecimal: name.dropFirst(prefix.count)) : nil
    }
}

extension StoreLocation {
    /// The key files at other places that open the store, as far as they are noted.
    public var notedKeyFiles: [String] {
        guard let folder = try? FileDescriptor.open(keyNotes, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return [] }
        return DirectoryListing.names(in: folder.number).compactMap { name in
            guard let slot = SlotNote.slot(ofFile: name), case .keyFile(let path)? = try? SlotNote.read(self, slot) else { return nil }
            return path
        }.sorted()
    }
}
