import Glibc
import Testing

/// One system call of a process that strace(1) has watched with `-xx -y`, with all the bytes that went through it.
struct TracedCall {
    let name: String
    /// As strace writes them, strings decoded.
    let arguments: [Argument]
    /// What it returned; nil where the process ended within it.
    let result: Int?
    /// The path of the descriptor that it returned.
    let resultPath: String?

    struct Argument {
        /// All but a string's content and a descriptor's path.
        let text: String
        /// The content of a string.
        let bytes: [UInt8]
        /// What a descriptor leads to.
        let path: String?

        var string: String { String(decoding: bytes, as: UTF8.self) }
        var number: Int? { Int(text) }
    }

    var succeeded: Bool { result.map { $0 >= 0 } ?? false }
}

extension TracedCall {
    /// Reads a line such as `write(7<\x2f…>, "\x61…", 43) = 43`; nil for what is no call (signals, the end).
    init?(line: Substring) {
        guard let open = line.firstIndex(of: "("), line[..<open].allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { return nil }
        name = String(line[..<open])
        var scanner = Scanner(rest: line[line.index(after: open)...].utf8)
        var arguments: [Argument] = []
        while let argument = scanner.argument() { arguments.append(argument) }
        self.arguments = arguments
        // ` = 7<\x2f…>` or ` = -1 ENOENT (…)`, after any number of spaces.
        let tail = String(decoding: Array(scanner.rest), as: UTF8.self)
        let words = tail.split(separator: " ")
        guard words.first == "=", words.count >= 2 else {
            (result, resultPath) = (nil, nil)
            return
        }
        var returned = Scanner(rest: words[1].utf8)
        let value = returned.argument()
        result = value?.number
        resultPath = value?.path
    }

    /// Walks over the arguments of a call.
    private struct Scanner {
        var rest: Substring.UTF8View

        /// The next argument; nil behind the closing parenthesis.
        mutating func argument() -> Argument? {
            while rest.first == UInt8(ascii: " ") || rest.first == UInt8(ascii: ",") { rest.removeFirst() }
            guard let first = rest.first else { return nil }
            if first == UInt8(ascii: ")") {
                rest.removeFirst()
                return nil
            }
            var text: [UInt8] = []
            var bytes: [UInt8] = []
            var path: String?
            var depth = 0
            while let byte = rest.first {
                switch byte {
                case UInt8(ascii: "\""):
                    rest.removeFirst()
                    bytes += hexadecimal(until: UInt8(ascii: "\""))
                case UInt8(ascii: "<"):
                    rest.removeFirst()
                    path = String(decoding: hexadecimal(until: UInt8(ascii: ">")), as: UTF8.self)
                case UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: "("):
                    depth += 1
                    text.append(rest.removeFirst())
                case UInt8(ascii: "}") where depth > 0, UInt8(ascii: "]") where depth > 0, UInt8(ascii: ")") where depth > 0:
                    depth -= 1
                    text.append(rest.removeFirst())
                case UInt8(ascii: ",") where depth == 0, UInt8(ascii: ")") where depth == 0:
                    return Argument(text: String(decoding: text, as: UTF8.self), bytes: bytes, path: path)
                default:
                    text.append(rest.removeFirst())
                }
            }
            return Argument(text: String(decoding: text, as: UTF8.self), bytes: bytes, path: path)
        }

        /// What `\x61\x62` stands for, and what stands there plainly (`pipe:[1]`).
        private mutating func hexadecimal(until end: UInt8) -> [UInt8] {
            var bytes: [UInt8] = []
            while let byte = rest.first, byte != end {
                rest.removeFirst()
                guard byte == UInt8(ascii: "\\"), rest.first == UInt8(ascii: "x") else {
                    bytes.append(byte)
                    continue
                }
                bytes.append(UInt8(String(decoding: Array(rest.dropFirst().prefix(2)), as: UTF8.self), radix: 16)!)
                rest = rest.dropFirst(3)
            }
            rest = rest.dropFirst()
            return bytes
        }
    }
}

extension TracedCall {
    /// The calls that can change what lies on a disk, and those that tell which file is meant.
    static let recorded = [
        "open", "openat", "openat2", "creat", "close", "dup", "dup2", "dup3", "fcntl", "lseek",
        "write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "splice", "vmsplice", "tee",
        "truncate", "ftruncate", "fallocate", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "msync",
        "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
        "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat",
        "sched_yield",
    ]

    /// The calls among those that a command can fail at, or be killed at, with a difference to the disk.
    static let changing: Set<String> = [
        "write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "truncate", "ftruncate", "fallocate", "fsync", "fdatasync",
        "sync", "syncfs", "rename", "renameat", "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir", "mkdir", "mkdirat",
        "symlink", "symlinkat", "mknod", "mknodat", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat",
    ]

    /// Whether it changes something, or may make a file.
    var changesTheDisk: Bool {
        Self.changing.contains(name) || name.hasPrefix("open") && arguments.contains { $0.text.contains("O_CREAT") || $0.text.contains("O_TRUNC") }
    }
}
