import Glibc
import Linux
import SecretStore
import Testing

@Suite struct SecretSourceTests {
    let scratch = Scratch()
    var path: String { scratch.path + "/secret.txt" }

    func failure(_ path: String) -> SecretSourceError? {
        do {
            _ = try SecretSourceReader.file(path)
            return nil
        } catch {
            return error
        }
    }

    @Test func aFileIsReadByteForByte() throws {
        scratch.overwrite(path, with: [0, 255, 10, 13, 0])
        let bytes = try SecretSourceReader.file(path).withUnsafeBytes { Array($0) }
        #expect(bytes == [0, 255, 10, 13, 0])
    }

    @Test func aSymbolicLinkIsFollowed() throws {
        scratch.overwrite(path, with: [1])
        symlink(path, scratch.path + "/link")
        #expect(try SecretSourceReader.file(scratch.path + "/link").count == 1)
    }

    @Test func theLimitIsSwarmsAndIsIncluded() throws {
        scratch.overwrite(path, with: [UInt8](repeating: 1, count: 512_000))
        #expect(try SecretSourceReader.file(path).count == 512_000)
        scratch.overwrite(path, with: [UInt8](repeating: 1, count: 512_001))
        #expect(failure(path) == .tooLarge(path))
    }

    @Test func aMissingOrEmptyFileIsRefused() {
        #expect(failure(path) == .missing(path))
        scratch.overwrite(path, with: [])
        #expect(failure(path) == .empty(path))
    }

    @Test func whatIsNoRegularFileIsRefusedWithoutWaitingForIt() {
        mkfifo(path, 0o600)
        #expect(failure(path) == .notRegular(path, "a FIFO"))
        #expect(failure(scratch.path) == .notRegular(scratch.path, "a directory"))
        #expect(failure("/dev/zero") == .notRegular("/dev/zero", "a device"))
        #expect(failure("/dev/tty").map { "\($0)".hasPrefix("/dev/tty: ") } == true)
    }

    @Test func everyMessageNamesTheSourceAndSaysWhatToDo() {
        #expect("\(SecretSourceError.missing("a"))" == "a: no such file; create it, or correct the path")
        #expect("\(SecretSourceError.empty("a"))" == "a: empty; a secret has at least one byte")
        let denied = SecretSourceError.unreadable("a", SystemCallError("openat2", "a", code: EACCES))
        #expect("\(denied)".hasPrefix("a: permission denied; make it readable to user "))
    }

    @Test func anEnvironmentVariableIsHeldToTheSameRules() throws {
        #expect(throws: SecretSourceError.empty("environment variable X")) {
            _ = try SecretSourceReader.environmentValue("", name: "X")
        }
        #expect(throws: SecretSourceError.tooLarge("environment variable X")) {
            _ = try SecretSourceReader.environmentValue(String(repeating: "x", count: 512_001), name: "X")
        }
        let value = try SecretSourceReader.environmentValue("wert ü", name: "X")
        #expect(value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } == "wert ü")
    }
}
