import CInitParts
import Glibc
import Linux
import Testing

/// Whether the child that becomes the service may borrow the memory of pid 1.
@Suite struct LendingTests {
    @Test func onlyWhereTheKernelKeepsOthersOutOfIt() {
        func isClosed(_ text: String) -> Bool { keeps_memory_closed(text, text.utf8.count) == 1 }
        #expect(isClosed("0\n") && isClosed("2\n"))
        for text in ["1\n", "", "0", "2", "\n", "10\n", "01\n", "-1\n", "0\n1", "zero\n"] { #expect(!isClosed(text), "\(text)") }
    }

    @Test func theKernelsOwnSettingIsAsked() throws {
        let file = try FileDescriptor.open("/proc/sys/fs/suid_dumpable", O_RDONLY)
        let setting = String(decoding: try file.readAll(limit: 16) ?? [], as: UTF8.self)
        #expect((kernel_keeps_memory_closed() == 1) == ["0\n", "2\n"].contains(setting))
    }
}
