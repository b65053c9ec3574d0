import Glibc
import Linux
import Testing

/// What a folder holds, as a value: files by their numbers, since two names may lead to one.
struct DiskImage {
    typealias File = Int

    enum Node {
        case file([UInt8])
        case link([UInt8])
        case folder([String: File])
    }

    static let root: File = 0
    var nodes: [Node] = [.folder([:])]

    /// Reads a folder from the real disk.
    init(reading folder: String) {
        var known: [ino_t: File] = [:]
        func read(_ path: String) -> File {
            var status = stat()
            precondition(lstat(path, &status) == 0, path)
            if let file = known[status.st_ino] { return file }
            let file = nodes.count
            known[status.st_ino] = file
            nodes.append(.folder([:]))
            switch status.st_mode & S_IFMT {
            case S_IFDIR: nodes[file] = .folder(entries(of: path))
            case S_IFLNK: nodes[file] = .link(linkTarget(path))
            default: nodes[file] = .file(try! FileDescriptor.open(path, O_RDONLY).readAll()!)
            }
            return file
        }
        func entries(of path: String) -> [String: File] {
            Dictionary(uniqueKeysWithValues: names(in: path).sorted().map { ($0, read(path + "/" + $0)) })
        }
        nodes[Self.root] = .folder(entries(of: folder))
    }

    /// Writes it into an empty folder of the real disk; all modes are the owner's alone.
    func write(into folder: String) {
        var written: [File: String] = [:]
        func write(_ file: File, to path: String) {
            switch nodes[file] {
            case .folder(let entries):
                precondition(mkdir(path, 0o700) == 0 || errno == EEXIST, path)
                for (name, entry) in entries { write(entry, to: path + "/" + name) }
            case .file(let bytes):
                if let first = written[file] {
                    precondition(Glibc.link(first, path) == 0, path)
                    return
                }
                written[file] = path
                try! FileDescriptor.open(path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600).writeAll(bytes)
            case .link(let target):
                precondition(symlink(String(decoding: target, as: UTF8.self), path) == 0, path)
            }
        }
        write(Self.root, to: folder)
    }

    /// The file at a path in it.
    func file(at path: some StringProtocol) -> File? {
        var file = Self.root
        for name in path.split(separator: "/") {
            guard case .folder(let entries) = nodes[file], let next = entries[String(name)] else { return nil }
            file = next
        }
        return file
    }

    /// What can be reached, as text: equal images have equal ones.
    var content: [String: [UInt8]] {
        var content: [String: [UInt8]] = [:]
        func walk(_ file: File, _ path: String) {
            switch nodes[file] {
            case .file(let bytes): content[path] = bytes
            case .link(let target): content[path + "@"] = target
            case .folder(let entries):
                content[path + "/"] = []
                for (name, entry) in entries { walk(entry, path + "/" + name) }
            }
        }
        walk(Self.root, "")
        return content
    }

    private func linkTarget(_ path: String) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 4096) { $1 = max(0, readlink(path, $0.baseAddress!, 4096)) }
    }
}
