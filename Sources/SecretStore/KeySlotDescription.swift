import SecretMemory

/// A key slot, for people.
public struct KeySlotDescription: Sendable, Equatable {
    /// 32 digits of hexadecimal.
    public let id: String
    /// `keyfile`, `passphrase` or `command`.
    public let kind: String
    /// The path of the key file, the words of the command, or what a passphrase costs to try; nil where that isn't known here.
    public let detail: String?

    /// A slot of format 1.
    init(_ slot: FormatOneSlot, _ location: StoreLocation) {
        id = slot.key.hexadecimal
        kind = KeySlot.name(of: .keyFile(key: slot.key))
        detail = Self.defaultKeyFile(slot.key, location)
    }

    /// What can't be read is left out: `stackup store verify` tells of it.
    init(_ slot: KeySlot, _ location: StoreLocation) {
        id = slot.identifier.hexadecimal
        kind = slot.kindName
        switch (slot.kind, try? SlotNote.read(location, slot.identifier)) {
        // The default key file has no note.
        case (.keyFile(let key), nil): detail = Self.defaultKeyFile(key, location)
        case (.keyFile, .keyFile(let path)?): detail = path
        case (.command, .command(let words)?): detail = words.joined(separator: " ")
        case (.passphrase(let parameters), _):
            detail = "argon2id, \(parameters.memory >> 20) MiB, \(parameters.operations) passes"
        case (.unknown(_, let parameters), _): detail = parameters
        default: detail = nil
        }
    }

    private static func defaultKeyFile(_ key: Identifier, _ location: StoreLocation) -> String? {
        guard let own = try? KeyFile.read(location.keyFile), Identifier(ofKey: own) == key else { return nil }
        return location.keyFile
    }
}
