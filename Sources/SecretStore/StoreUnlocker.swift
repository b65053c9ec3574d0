import Linux
import SecretMemory

/// By what means a store may be opened that doesn't open with the default key file.
///
/// One that has opened a store by a passphrase or a command opens it again without them: a command may look at the store more
/// than once, and a person is asked once. Nor is a command run again that failed, which may have taken its time.
public final class StoreUnlocker {
    /// A key file that a person has named: that one, and nothing else.
    public let keyFile: String?
    /// Whether the kernel's keyring is looked into.
    public let usesKeyring: Bool
    /// Gives a passphrase, the number of the try (from 1) being its argument; nil where there is nobody to ask, or no more to try.
    let passphrase: (Int) throws(StoreError) -> SecretBytes?
    private var remembered: UnlockedSlot?
    /// Why commands gave no key, by their slots: none of them is run again.
    var failedCommands: [Identifier: String] = [:]

    public init(
        keyFile: String? = nil, usesKeyring: Bool = true, passphrase: @escaping (Int) throws(StoreError) -> SecretBytes? = { _ in nil }
    ) {
        self.keyFile = keyFile
        self.usesKeyring = usesKeyring
        self.passphrase = passphrase
    }

    /// Forgets what it remembers, for a process that goes on without the store.
    public func forget() { remembered = nil }

    func remember(_ slot: borrowing UnlockedSlot) throws(SystemCallError) {
        remembered = UnlockedSlot(identifier: slot.identifier, keys: try slot.keys.copied())
    }

    /// A copy of the slot that it remembers.
    func rememberedSlot() throws(SystemCallError) -> UnlockedSlot? {
        guard let identifier = remembered?.identifier, let keys = try remembered?.keys.copied() else { return nil }
        return UnlockedSlot(identifier: identifier, keys: keys)
    }
}

/// What opened a store.
public enum StoreOpening: Sendable, Equatable {
    case keyFile(String)
    case keyring
    /// The words of the command.
    case command([String])
    case passphrase
    /// What opened it before, in the same process.
    case remembered
}
