import CSodium
import Linux
import SecretMemory

/// One way to unwrap the data key.
///
/// A slot has an X25519 key pair of its own. Its private key is sealed under what unlocks the slot (the *unlocking key*: a key
/// file's, one made from a passphrase, or from a command's output); the data key lies in a `crypto_box` from the store's sender
/// key to the slot's public key. So a rekey needs none of the passphrases to give every slot the new data key. Within the box it is sealed
/// once more (`crypto_box_seal`), for whoever had the sender key could open the box.
///
/// The sender's public key is sealed together with the private key: nobody can foist a data key on a slot who doesn't have the
/// sender's private key, which lies in the store's key ring.
///
///     slot <kind> <id> <public key> <sealed keys> <boxed data keys>[ <parameter>=<value>…]
struct KeySlot: Equatable, Sendable {
    /// What unlocks it.
    enum Kind: Equatable, Sendable {
        /// The key file whose key has that identifier.
        case keyFile(key: Identifier)
        case passphrase(PassphraseParameters)
        /// What a program prints; which one, a `SlotNote` says.
        case command
        /// A kind of a later version, with its parameters as they stand.
        case unknown(name: String, parameters: String)
    }

    let identifier: Identifier
    let kind: Kind
    let publicKey: [UInt8]
    /// The slot's private key and the sender's public key, sealed as `.slotKeys`.
    let sealedKeys: [UInt8]
    /// A nonce and a `crypto_box` of the sealed data key; while a rekey is under way, of the new one and then the old one.
    let boxedDataKeys: [UInt8]

    static let keyCount = Int(crypto_box_SECRETKEYBYTES)
    /// `crypto_box_SEALBYTES`, which is no constant that Swift sees.
    static let sealOverhead = Int(crypto_box_PUBLICKEYBYTES + crypto_box_MACBYTES)
    private static let boxOverhead = Int(crypto_box_NONCEBYTES + crypto_box_MACBYTES) + sealOverhead

    /// Whether the data key of an unfinished rekey is in it, too.
    var holdsTwo: Bool { boxedDataKeys.count > Self.boxOverhead + Sealing.keyCount }
}

/// Making and opening.
extension KeySlot {
    /// A slot with a new key pair.
    ///
    /// - Parameters:
    ///   - unlockingKey: what will unlock it, 32 bytes.
    ///   - sender: the store's key ring.
    static func make(
        _ kind: Kind, identifier: Identifier, unlockingKey: borrowing SecretBytes, dataKeys: borrowing DataKeys, sender: KeyRing,
        store: Identifier
    ) throws(SystemCallError) -> KeySlot {
        var keys = try SecretBytes(count: 2 * keyCount)
        var publicKey = [UInt8](repeating: 0, count: keyCount)
        keys.withUnsafeMutableBytes { keys in
            let place = keys.baseAddress!.assumingMemoryBound(to: UInt8.self)
            crypto_box_keypair(&publicKey, place)
            (place + keyCount).update(from: sender.senderPublicKey, count: keyCount)
        }
        let binding = Binding(store: store, object: identifier, kind: .slotKeys)
        return KeySlot(
            identifier: identifier, kind: kind, publicKey: publicKey,
            sealedKeys: keys.withUnsafeBytes { Sealing.seal($0, under: unlockingKey, as: binding) },
            boxedDataKeys: try dataKeys.boxed(for: publicKey, sender: sender))
    }

    /// The same slot with other data keys in it.
    func holding(_ dataKeys: borrowing DataKeys, sender: KeyRing) throws(SystemCallError) -> KeySlot {
        KeySlot(
            identifier: identifier, kind: kind, publicKey: publicKey, sealedKeys: sealedKeys,
            boxedDataKeys: try dataKeys.boxed(for: publicKey, sender: sender))
    }

    /// The slot's private key; nil where the key is another's, or the slot is damaged.
    func unlock(with unlockingKey: borrowing SecretBytes, store: Identifier) throws(SystemCallError) -> UnlockedSlot? {
        let binding = Binding(store: store, object: identifier, kind: .slotKeys)
        guard let keys = try Sealing.openGuarded(sealedKeys, under: unlockingKey, as: binding) else { return nil }
        guard let slot = UnlockedSlot(identifier: identifier, keys: keys), slot.publicKey == publicKey else { return nil }
        return slot
    }

    /// What to call the slot's kind.
    var kindName: String { Self.name(of: kind) }

    static func name(of kind: Kind) -> String {
        switch kind {
        case .keyFile: "keyfile"
        case .passphrase: "passphrase"
        case .command: "command"
        case .unknown(let name, _): name
        }
    }
}

/// A slot whose private key is at hand, and so each data key that the store gives it.
struct UnlockedSlot: ~Copyable, Sendable {
    static let keysCount = 2 * KeySlot.keyCount

    let identifier: Identifier
    /// The private key, then the sender's public key.
    let keys: SecretBytes

    /// Nil where these can't be a slot's keys.
    init?(identifier: Identifier, keys: consuming SecretBytes) {
        guard keys.count == Self.keysCount else { return nil }
        self.identifier = identifier
        self.keys = keys
    }

    var publicKey: [UInt8] {
        var result = [UInt8](repeating: 0, count: KeySlot.keyCount)
        keys.withUnsafeBytes { _ = crypto_scalarmult_base(&result, $0.baseAddress!.assumingMemoryBound(to: UInt8.self)) }
        return result
    }

    /// The data keys that a slot of the header holds for it; nil where it isn't this slot, or they don't come from the store.
    borrowing func dataKeys(in slot: KeySlot) throws(SystemCallError) -> DataKeys? {
        guard slot.identifier == identifier else { return nil }
        let boxed = slot.boxedDataKeys
        let nonceCount = Int(crypto_box_NONCEBYTES)
        let sealedCount = boxed.count - nonceCount - Int(crypto_box_MACBYTES)
        let count = sealedCount - KeySlot.sealOverhead
        guard count == Sealing.keyCount || count == 2 * Sealing.keyCount else { return nil }
        var sealed = [UInt8](repeating: 0, count: sealedCount)
        var opened = try SecretBytes(count: count)
        let publicKey = publicKey
        let isSound = opened.withUnsafeMutableBytes { opened in
            keys.withUnsafeBytes { keys in
                boxed.withUnsafeBufferPointer { boxed in
                    let ownKey = keys.baseAddress!.assumingMemoryBound(to: UInt8.self)
                    return crypto_box_open_easy(
                        &sealed, boxed.baseAddress! + nonceCount, UInt64(boxed.count - nonceCount), boxed.baseAddress!,
                        ownKey + KeySlot.keyCount, ownKey) == 0
                        && crypto_box_seal_open(
                            opened.baseAddress!.assumingMemoryBound(to: UInt8.self), sealed, UInt64(sealedCount), publicKey, ownKey) == 0
                }
            }
        }
        return isSound ? try DataKeys(joined: opened) : nil
    }
}
