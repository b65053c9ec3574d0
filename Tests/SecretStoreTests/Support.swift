import Glibc
import Linux
import SecretMemory
import SecretStore
import Testing

/// A folder with a store's place in it, removed with everything when the test is done.
final class Scratch {
    let path: String
    let location: StoreLocation

    init() {
        var template = Array("/tmp/stackup-store-test.XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template)!)
        location = StoreLocation(directory: path + "/data/store", keyFile: path + "/configuration/key")
    }

    deinit {
        _ = run("/bin/rm", "-rf", path)
    }

    /// Files of the store, by their paths within it.
    var files: [String] {
        func walk(_ folder: String, _ prefix: String) -> [String] {
            names(in: folder).flatMap { name in
                isFolder(folder + "/" + name) ? walk(folder + "/" + name, prefix + name + "/") : [prefix + name]
            }
        }
        return walk(location.directory, "").sorted()
    }

    var objects: [String] { names(in: location.directory + "/objects").sorted() }

    var logs: [String] { files.filter { $0.hasPrefix("log-") } }

    /// The head that is kept beside the key file.
    var head: String {
        names(in: location.keyNotes).first { $0.hasPrefix("head-") }.map { location.keyNotes + "/" + $0 } ?? ""
    }

    /// What lies beside the key file, but for the head.
    var configuration: [String] {
        names(in: Paths.directory(of: location.keyFile)).filter { $0 != "key.d" }
    }

    func bytes(of file: String) -> [UInt8] {
        let path = file.hasPrefix("/") ? file : location.directory + "/" + file
        return try! FileDescriptor.open(path, O_RDONLY).readAll()!
    }

    func overwrite(_ file: String, with bytes: [UInt8]) {
        let path = file.hasPrefix("/") ? file : location.directory + "/" + file
        try! FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600).writeAll(bytes)
    }

    private func isFolder(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }
}

func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names
}

func secret(_ text: String) throws -> SecretBytes {
    try SecretSourceReader.environmentValue(text, name: "TEXT")
}

extension SecretStore {
    func text(_ name: String, version: Int? = nil) throws -> String {
        try read(name, version: version).withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// One commit that creates secrets with these values.
    func create(_ secrets: KeyValuePairs<String, String>) throws {
        var changes = StoreChanges()
        for (name, value) in secrets { changes.createSecret(name, source: "test", value: try secret(value)) }
        try commit(changes)
    }

    /// One commit that adds a version.
    func rotate(_ name: String, to value: String) throws {
        var changes = StoreChanges()
        changes.addVersion(of: name, source: "test", value: try secret(value))
        try commit(changes)
    }

    /// One commit that removes a secret.
    func remove(_ name: String) throws {
        var changes = StoreChanges()
        changes.removeSecret(name)
        try commit(changes)
    }
}

/// A process that a test has started.
struct Child {
    let pid: pid_t

    /// The helper beside this test's own executable.
    static let writer: String = {
        var path = [CChar](repeating: 0, count: 4096)
        readlink("/proc/self/exe", &path, path.count - 1)
        let own = path.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        return own.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/StoreWriter"
    }()

    static func start(_ arguments: [String], output: String = "/dev/null") -> Child {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        var words = arguments.map { strdup($0) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, arguments[0], &actions, nil, &words, environ)
        precondition(failure == 0, "\(arguments[0]): \(String(cString: strerror(failure)))")
        return Child(pid: pid)
    }

    /// The helper, at work on a store.
    static func writer(_ location: StoreLocation, _ arguments: String..., output: String = "/dev/null") -> Child {
        start([writer, location.directory, location.keyFile] + arguments, output: output)
    }

    func kill() { Glibc.kill(pid, SIGKILL) }

    /// Waits for its end: the exit status, or the negative number of the signal that ended it.
    @discardableResult
    func wait() -> Int32 {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : -signal
    }
}

@discardableResult
func run(_ arguments: String...) -> Int32 {
    Child.start(arguments).wait()
}

let strace = "/usr/bin/strace"

/// The system calls of the helper at some work, one per line.
func trace(_ scratch: Scratch, _ work: String) -> [Substring] {
    let file = scratch.path + "/trace"
    let status = run(
        strace, "-qq", "-o", file, Child.writer, scratch.location.directory, scratch.location.keyFile, work)
    #expect(status == 0)
    return String(decoding: scratch.bytes(of: file), as: UTF8.self).split(separator: "\n")
}
