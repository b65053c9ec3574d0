import Glibc
import Linux
import SecretMemory
import SourceProtocol

@testable import SecretSources

/// A folder of a test's own, gone with the object.
final class TestFolder: Sendable {
    let path: String

    init() {
        var template = Array("/tmp/stackup-sources-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        chmod(path, 0o755)
    }

    deinit {
        _ = try? ProgramOutput("/bin/rm", ["-rf", path])
    }

    @discardableResult
    func write(_ name: String, _ text: String, mode: mode_t = 0o644) -> String {
        let path = path + "/" + name
        let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
        precondition(file >= 0, "\(path): \(String(cString: strerror(errno)))")
        try! FileDescriptor(owning: file).writeAll(Array(text.utf8))
        chmod(path, mode)
        return path
    }

    func make(_ name: String, mode: mode_t = 0o755) -> String {
        let path = path + "/" + name
        mkdir(path, mode)
        chmod(path, mode)
        return path
    }

    /// A program of that text in the folder.
    func program(_ name: String, _ text: String) -> String {
        write(name, text, mode: 0o755)
    }
}

/// What a program printed, and how it ended.
struct ProgramOutput {
    let text: String
    let end: ChildProcess.End

    init(_ path: String, _ arguments: [String], environment: [String: String]? = nil, directory: String? = nil) throws {
        let output = try FileDescriptor.pipe()
        let null = try FileDescriptor.open("/dev/null", O_RDONLY)
        let process = try ChildProcess(
            path, [path] + arguments, environment: environment, directory: directory,
            descriptors: [null.number, output.write.number, output.write.number])
        let reader = output.takeReadEnd()
        text = String(decoding: try reader.readAll() ?? [], as: UTF8.self)
        end = process.wait()
    }

    var isSuccess: Bool { end == .exited(0) }
}

/// The certificate authorities in a file that is there.
func trusted(_ path: String) -> TrustedCertificates {
    try! TrustedCertificates(path, of: SourceRequest(driver: "vault", options: [:], name: "password", project: "shop", directory: "/"))
}

/// What a driver answers, as a text or as the error.
func fetch(
    _ driver: String, _ options: [String: String], in folder: TestFolder, name: String = "password", labels: [String: String] = [:],
    environment: [String: String] = callersEnvironment()
) -> Result<String, SourceError> {
    let request = SourceRequest(
        driver: driver, options: options, name: name, project: "shop", directory: folder.path, labels: labels, environment: environment)
    switch SourceServer.answer(request) {
    case .value(let bytes): return .success(bytes.text)
    case .failure(let error): return .failure(error)
    }
}

/// What this thread has used of a processor: unlike the time that has passed, it doesn't grow with what else the machine does.
func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

extension Result where Failure == SourceError {
    var problem: SourceError? {
        if case .failure(let error) = self { error } else { nil }
    }
}
