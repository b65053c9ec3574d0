import Glibc
import Linux

@testable import Runner

/// A directory of a test's own, removed with all in it.
final class TemporaryDirectory {
    let path: String

    init(_ name: String = "") {
        var template = Array("/tmp/stackup-test-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil)
        let base = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        path = base + name
        if !name.isEmpty { precondition(mkdir(path, 0o700) == 0) }
        self.base = base
    }

    private let base: String

    deinit {
        try? FileTree.remove(base)
    }

    func read(_ name: String) -> String? {
        guard let file = try? FileDescriptor.open("\(path)/\(name)", O_RDONLY), let bytes = try? file.readAll() else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(_ text: String, to name: String) throws {
        try FileDescriptor.open("\(path)/\(name)", O_WRONLY | O_CREAT | O_APPEND, mode: 0o600).writeAll(Array(text.utf8))
    }

    func exists(_ name: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }
}
