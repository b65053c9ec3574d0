import Glibc

/// Pages for plaintext and keys: between two guard pages, locked so that they are not swapped out, left out of core
/// dumps, and wiped before they go back to the kernel.
///
/// An unprivileged user may lock 8 MiB by default (`RLIMIT_MEMLOCK`). Beyond that the pages are used unlocked: to refuse
/// them would protect nobody any better.
public struct GuardedMapping: ~Copyable, @unchecked Sendable {
    /// What is between the guard pages, zeroed at first.
    public let pages: UnsafeMutableRawBufferPointer
    /// Whether it is sure not to be swapped out.
    public let isLocked: Bool
    private let mapping: UnsafeMutableRawBufferPointer

    /// - Parameter size: in bytes; rounded up to whole pages.
    /// - Throws: `ENOMEM` where the machine has no memory, or the process no mappings, left.
    public init(size: Int) throws(SystemCallError) {
        let page = sysconf(Int32(_SC_PAGESIZE))
        let usable = max((size + page - 1) / page, 1) * page
        let mapped = usable + 2 * page
        guard let memory = mmap(nil, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), memory != MAP_FAILED else {
            throw SystemCallError("mmap", "guarded memory for secrets")
        }
        guard mprotect(memory + page, usable, PROT_READ | PROT_WRITE) == 0 else {
            let error = SystemCallError("mprotect", "guarded memory for secrets")
            munmap(memory, mapped)
            throw error
        }
        mapping = UnsafeMutableRawBufferPointer(start: memory, count: mapped)
        pages = UnsafeMutableRawBufferPointer(start: memory + page, count: usable)
        madvise(pages.baseAddress, usable, Int32(MADV_DONTDUMP))
        isLocked = mlock(pages.baseAddress, usable) == 0
    }

    deinit {
        explicit_bzero(pages.baseAddress!, pages.count)
        munmap(mapping.baseAddress!, mapping.count)
    }
}
