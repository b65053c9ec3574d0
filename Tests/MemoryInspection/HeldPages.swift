import Glibc

/// Holds on to the physical pages under some memory of this process, whatever becomes of the memory.
///
/// vmsplice(2) puts the pages themselves into a pipe, not a copy of them. What is written to them later is
/// what is read from the pipe, even when they were unmapped in between: so it can be seen whether they
/// were wiped before they went back to the kernel, without a hook in the code that does it.
public final class HeldPages {
    private var ends: [Int32] = [-1, -1]
    private let count: Int

    /// vmsplice(2), which the importer doesn't see.
    private typealias VMSplice = @convention(c) (Int32, UnsafePointer<iovec>, Int, UInt32) -> Int
    private static let vmsplice = unsafeBitCast(dlsym(nil, "vmsplice"), to: VMSplice.self)

    /// - Parameter bytes: at most 60 000; a pipe takes 16 pages.
    public init(under bytes: UnsafeRawBufferPointer) {
        count = bytes.count
        precondition(pipe(&ends) == 0)
        var part = iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
        precondition(Self.vmsplice(ends[1], &part, 1, 0) == bytes.count, "vmsplice: \(String(cString: strerror(errno)))")
    }

    deinit {
        close(ends[0])
        close(ends[1])
    }

    /// What is on the pages now. To be asked for once: it is taken from the pipe.
    public func content() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { bytes, filled in
            while filled < count {
                let more = read(ends[0], bytes.baseAddress! + filled, count - filled)
                precondition(more > 0)
                filled += more
            }
        }
    }
}
