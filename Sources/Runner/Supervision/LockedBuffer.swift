import Glibc
import Linux

/// Memory for plaintext on its way from the control socket to a service's tmpfs: left out of core dumps,
/// locked as far as the limit for locked memory allows, and wiped before it is given back.
final class LockedBuffer {
    private let base: UnsafeMutableRawPointer
    private let mapped: Int
    /// In bytes.
    let count: Int

    /// - Parameter count: in bytes, at least 0.
    init(count: Int) throws(SystemCallError) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        mapped = max((count + page - 1) / page, 1) * page
        guard let memory = mmap(nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            memory != MAP_FAILED
        else { throw SystemCallError("mmap", "\(count) bytes for secrets") }
        base = memory
        self.count = count
        madvise(base, mapped, Int32(MADV_DONTDUMP))
        // An unprivileged user may lock 8 MiB by default. Beyond that the bytes could reach the swap for
        // the few milliseconds that they are here; refusing them would not protect them any better.
        _ = mlock(base, mapped)
    }

    deinit {
        explicit_bzero(base, mapped)
        munmap(base, mapped)
    }

    /// All of it, to be filled.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base, count: count) }

    /// A part of it, valid while this buffer lives.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        precondition(range.lowerBound >= 0 && range.upperBound <= count)
        return UnsafeRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }
}
