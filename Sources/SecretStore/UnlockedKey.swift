import Linux
import SecretMemory

/// An unlocked slot in the kernel's user keyring, so that a person is asked for a passphrase once and not by every command.
///
/// What is kept is the slot's private key and not the data key: so it opens the store after a rekey, and no more once its slot is removed.
enum UnlockedKey {
    private static let payloadCount = 16 + UnlockedSlot.keysCount

    private static func name(_ store: Identifier) -> String { "stackup:\(store.hexadecimal)" }

    /// Keeps a slot for a time.
    static func keep(_ slot: borrowing UnlockedSlot, of store: Identifier, seconds: UInt32) throws(StoreError) {
        do {
            var payload = try SecretBytes(count: payloadCount)
            payload.withUnsafeMutableBytes { payload in
                payload.storeBytes(of: slot.identifier.value.littleEndian, as: UInt128.self)
                slot.keys.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: payload[16...]).copyMemory(from: $0) }
            }
            try payload.withUnsafeBytes { payload throws(SystemCallError) in
                try KernelKeyring.put(payload, named: name(store), seconds: seconds)
            }
        } catch {
            throw .system(doing: "keep the key in the kernel's keyring", error)
        }
    }

    /// The slot that is kept; nil where there is none, or no keyring.
    static func read(of store: Identifier) throws(StoreError) -> UnlockedSlot? {
        do {
            var payload = try SecretBytes(count: payloadCount)
            guard payload.withUnsafeMutableBytes({ KernelKeyring.read(name(store), into: $0) }) else { return nil }
            let identifier = payload.withUnsafeBytes { UInt128(littleEndian: $0.loadUnaligned(as: UInt128.self)) }
            return UnlockedSlot(identifier: Identifier(identifier), keys: try payload.slice(16..<payloadCount))
        } catch {
            throw .system(doing: "read the kernel's keyring", error)
        }
    }

    /// Forgets the slot.
    ///
    /// - Returns: whether one was kept.
    static func forget(of store: Identifier) throws(StoreError) -> Bool {
        do {
            return try KernelKeyring.drop(name(store))
        } catch {
            throw .system(doing: "forget the key in the kernel's keyring", error)
        }
    }
}
