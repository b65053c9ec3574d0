import CLinux
import Glibc

/// The caller's user keyring (user-keyring(7)): bytes that the kernel keeps in memory that is never swapped, for a time, until
/// the machine stops or somebody drops them.
///
/// Only processes of the same user that may call keyctl(2) reach it; its keys are readable to those alone that possess them.
public enum KernelKeyring {
    /// Keeps bytes under a name; what was there before is replaced.
    ///
    /// - Parameter seconds: how long.
    /// - Throws: `ENOSYS` or `EPERM` where the kernel has no keyrings, or a sandbox keeps them from us; `EDQUOT` where the user's are full.
    public static func put(
        _ bytes: UnsafeRawBufferPointer, named name: String, seconds: UInt32
    ) throws(SystemCallError) {
        try possess()
        // A key that only its possessor may read can't be updated, so it goes first.
        try drop(name)
        let key = try retryingInterrupts("add_key") { clinux_keyring_add(name, bytes.baseAddress, UInt64(bytes.count)) }
        do {
            // In this order: the last one takes the right to the first one away.
            try retryingInterrupts("keyctl") { clinux_keyring_expire(key, seconds) }
            try retryingInterrupts("keyctl") { clinux_keyring_protect(key) }
        } catch {
            _ = clinux_keyring_drop(key)
            throw error
        }
    }

    /// Reads what is kept under a name into `buffer`.
    ///
    /// - Returns: false where there is nothing of exactly that size, or no keyring at all.
    public static func read(_ name: String, into buffer: UnsafeMutableRawBufferPointer) -> Bool {
        guard let key = try? find(name) else { return false }
        return clinux_keyring_read(key, buffer.baseAddress, UInt64(buffer.count)) == buffer.count
    }

    /// Drops what is kept under a name.
    ///
    /// - Returns: whether there was anything.
    @discardableResult
    public static func drop(_ name: String) throws(SystemCallError) -> Bool {
        guard let key = try find(name) else { return false }
        try retryingInterrupts("keyctl") { clinux_keyring_drop(key) }
        return true
    }

    private static func find(_ name: String) throws(SystemCallError) -> Int32? {
        try possess()
        let key = clinux_keyring_search(name)
        if key >= 0 { return key }
        switch errno {
        case ENOKEY, EKEYEXPIRED, EKEYREVOKED: return nil
        default: throw SystemCallError("keyctl")
        }
    }

    /// After su(1), in a service of systemd's or over ssh without pam_keyinit(8), the session's keyring doesn't lead to the user's; without this, what is in
    /// there is ours and yet not ours to read.
    private static func possess() throws(SystemCallError) {
        try retryingInterrupts("keyctl") { clinux_keyring_possess() }
    }
}
