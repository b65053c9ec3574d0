import Glibc
import Linux

/// Memory for plaintext on its way through the control socket to a service's tmpfs: between guard pages, left out of
/// core dumps, locked as far as the limit for locked memory allows, and wiped before it is given back.
final class LockedBuffer {
    /// Everything, the guard pages too.
    private let mapping: UnsafeMutableRawBufferPointer
    /// What is between the guard pages; the buffer is the end of it, so that no byte follows that may be touched.
    private let pages: UnsafeMutableRawBufferPointer
    /// In bytes.
    let count: Int

    /// - Parameter count: in bytes, at least 0.
    init(count: Int) throws(SystemCallError) {
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        let usable = max((count + page - 1) / page, 1) * page
        let mapped = usable + 2 * page
        guard let memory = mmap(nil, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), memory != MAP_FAILED
        else { throw SystemCallError("mmap", "\(count) bytes for secrets") }
        guard mprotect(memory + page, usable, PROT_READ | PROT_WRITE) == 0 else {
            let error = SystemCallError("mprotect", "\(count) bytes for secrets")
            munmap(memory, mapped)
            throw error
        }
        mapping = UnsafeMutableRawBufferPointer(start: memory, count: mapped)
        pages = UnsafeMutableRawBufferPointer(start: memory + page, count: usable)
        self.count = count
        madvise(pages.baseAddress, usable, Int32(MADV_DONTDUMP))
        // An unprivileged user may lock 8 MiB by default. Beyond that the bytes could reach the swap for
        // the few milliseconds that they are here; refusing them would not protect them any better.
        _ = mlock(pages.baseAddress, usable)
    }

    deinit {
        explicit_bzero(pages.baseAddress!, pages.count)
        munmap(mapping.baseAddress!, mapping.count)
    }

    /// All of it, to be filled.
    var bytes: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: pages.suffix(count)) }

    /// A part of it, valid while this buffer lives.
    func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[range]) }
}
