import Linux

/// Memory for plaintext on its way through the control socket to a service's tmpfs, with the properties of a
/// ``GuardedMapping``.
final class LockedBuffer {
    private let mapping: GuardedMapping
    /// In bytes.
    let count: Int

    /// - Parameter count: in bytes, at least 0.
    init(count: Int) throws(SystemCallError) {
        mapping = try GuardedMapping(size: count)
        self.count = count
    }

    /// All of it, to be filled: the end of the mapping, so that no byte follows that may be touched.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: mapping.pages.suffix(count)) }

    /// A part of it, valid while this buffer lives.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }
}
