import Glibc
import Linux
import Testing

@testable import Runner

/// What a process gets that is started by descriptor: shown with a shell in the place of `stackup-init`.
@Suite(.serialized) struct InitExecutableTests {
    /// Runs commands in a shell and returns what it prints.
    private func shell(_ commands: String, more: [Int32] = []) throws -> String {
        let input = try FileDescriptor.pipe(), output = try FileDescriptor.pipe()
        try input.write.writeAll(Array(commands.utf8))
        let (pid, pidfd) = try InitExecutable("/bin/sh").spawn(
            [input.read.number, output.write.number, output.write.number] + more, namespaces: 0, keepingCapabilities: false)
        let process = FileDescriptor(owning: pidfd)
        // Its ends are its own now: were one of them still open here, neither it nor the reading below would come to an end.
        _ = input.takeReadEnd()
        let reader = output.takeReadEnd()
        let text = String(decoding: try reader.readAll() ?? [], as: UTF8.self)
        var status: Int32 = 0
        #expect(waitpid(pid, &status, 0) == pid)
        _ = consume process
        return text
    }

    @Test func itGetsWhatIsListedAndNothingElse() throws {
        // Descriptors that a careless library would have left open, below and above what is passed on.
        let careless = (0..<300).map { _ in open("/dev/null", O_RDONLY) }
        defer { for number in careless { close(number) } }
        #expect(try shell("ls /proc/$$/fd\n") == "0\n1\n2\n")
        #expect(try shell("ls /proc/$$/fd; readlink /proc/$$/fd/3\n", more: [careless[299]]) == "0\n1\n2\n3\n/dev/null\n")
    }

    @Test func nothingIsLeftOpenAndNothingIsTaken() throws {
        let own = try FileDescriptor.memory(Array("own".utf8), name: "own")
        for _ in 0..<20 { #expect(try shell("echo here\n", more: [own.number]) == "here\n") }
        lseek(own.number, 0, SEEK_SET)
        #expect(try own.readAll() == Array("own".utf8))
    }

    @Test func aProgramThatCannotRunIsAnError() throws {
        let folder = TemporaryDirectory()
        let path = folder.path + "/program"
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT, mode: 0o755)
        try file.writeAll(Array("no program".utf8))
        #expect(throws: SystemCallError.self) {
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            _ = try InitExecutable(path).spawn([null.number], namespaces: 0, keepingCapabilities: false)
        }
        #expect(try shell("echo still\n") == "still\n")
    }
}
