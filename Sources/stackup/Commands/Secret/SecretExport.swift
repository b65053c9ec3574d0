import Glibc
import Linux
import SecretMemory
import SecretStore
import Terminal

/// `stackup secret export NAME`.
enum SecretExport {
    static let command = Command(
        "export", summary: "Give a secret's value back, to a file or a program",
        discussion: """
            Writes the value, byte for byte, to standard output or to a new file that only you can read (mode 0600). The store's log \
            notes it. To a terminal it is written with --force alone.
            """,
        examples: [
            .init("stackup secret export db_password -o ./db_password.txt", "to a file"),
            .init("stackup secret export db_password | wc -c", "to a program"),
            .init("stackup secret export --version 3 db_password -o old.txt", "an earlier value"),
        ],
        options: [
            .value("output", short: "o", "FILE", help: "Write it to this file, which must not be there yet"),
            .value("version", "N", help: "This version (default: the newest)"),
            .flag("force", help: "Replace a regular file, or write to a terminal"),
        ], arguments: [.init("NAME")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let number = try invocation.arguments.integer("version", in: 1...Int.max)
        let store = try invocation.openStore()
        let secret = try SecretCommand.find(invocation.operands[0], in: try store?.snapshot(), invocation)
        guard let store else { throw StoreError.noSuchSecret(secret.name) }
        let path = invocation.value("output").flatMap { $0.isEmpty || $0 == "-" ? nil : $0 }
        if path == nil, isatty(STDOUT_FILENO) == 1, !invocation.flag("force") {
            throw CommandFailure("the value would be shown on the terminal; give a file with -o, or --force")
        }
        let version = number ?? secret.newest.number
        let value = try store.read(secret.name, version: version)
        var event = AuditEvent(.exported, secret: secret.name, version: version)
        guard let path else {
            event.detail = "to standard output"
            try store.audit([event])
            return try write(value)
        }
        let place = Paths.join(invocation.workingDirectory, path)
        event.detail = "to \(place)"
        try write(value, to: place, replacing: invocation.flag("force")) { try store.audit([event]) }
        return 0
    }

    private static func write(_ value: borrowing SecretBytes) throws -> Int32 {
        let output = FileDescriptor(owning: try retryingInterrupts("dup") { fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) })
        do {
            try value.withUnsafeBytes { bytes throws(SystemCallError) in try output.writeAll(bytes) }
        } catch {
            throw CommandFailure("the value could not be written: \(String(cString: strerror(error.code)).lowercased())")
        }
        return 0
    }

    /// Writes a file of the caller's own beside its place, and links or renames it there when all of it is on the disk.
    ///
    /// - Parameter audit: called before the value is written.
    private static func write(
        _ value: borrowing SecretBytes, to path: String, replacing: Bool, audit: () throws -> Void
    ) throws {
        func failure(_ error: SystemCallError) -> CommandFailure {
            error.code == EEXIST
                ? CommandFailure("\(path): there is such a file already; --force replaces it")
                : CommandFailure("\(path): can't be written: \(String(cString: strerror(error.code)).lowercased())")
        }
        let directory = Paths.directory(of: path), name = Paths.lastComponent(of: path)
        let folder: FileDescriptor
        do {
            folder = try FileDescriptor.open(directory, O_RDONLY | O_DIRECTORY)
        } catch {
            throw failure(error)
        }
        let number = folder.number
        do {
            switch try Occupant(of: name, in: number) {
            case .nothing: break
            case .regularFile: if !replacing { throw failure(SystemCallError("open", path, code: EEXIST)) }
            case .other(let kind):
                throw CommandFailure(
                    "\(path) is \(kind), and only a regular file is replaced; name another one, or leave -o out for standard output")
            }
        } catch let error as SystemCallError {
            throw failure(error)
        }
        try audit()
        do throws(SystemCallError) {
            let temporary = ".\(name.prefix(100)).\(getpid()).stackup"
            var isNameless = true
            let file = try newFile(temporary, in: number, &isNameless)
            defer { unlinkat(number, temporary, 0) }
            try value.withUnsafeBytes { bytes throws(SystemCallError) in try file.writeAll(bytes) }
            try retryingInterrupts("fsync") { fsync(file.number) }
            func give(_ name: String) throws(SystemCallError) {
                let source = isNameless ? "/proc/self/fd/\(file.number)" : temporary
                try retryingInterrupts("link") { linkat(number, source, number, name, isNameless ? AT_SYMLINK_FOLLOW : 0) }
            }
            if replacing {
                // Only what has a name can take another one's place.
                if isNameless { try give(temporary) }
                try retryingInterrupts("rename") { renameat(number, temporary, number, name) }
            } else {
                try give(name)
            }
            try retryingInterrupts("fsync") { fsync(number) }
        } catch {
            throw failure(error)
        }
    }

    /// Makes a file that has no name yet: of it nothing stays where this process is killed (`O_TMPFILE` of open(2)).
    ///
    /// - Parameters:
    ///   - name: what it is called all the same on a filesystem that knows of no such files.
    ///   - isNameless: false from then on where it is.
    private static func newFile(_ name: String, in folder: Int32, _ isNameless: inout Bool) throws(SystemCallError) -> FileDescriptor {
        // A macro in the C library's headers (asm-generic/fcntl.h).
        let nameless = 0o20000000 | O_DIRECTORY
        do throws(SystemCallError) {
            return try FileDescriptor.open(".", in: folder, O_WRONLY | nameless, mode: 0o600)
        } catch where [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(error.code) {
            isNameless = false
            return try FileDescriptor.open(name, in: folder, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        }
    }
}
