import Glibc
import Linux
import Testing

@Suite struct FileTreeTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/stackup-tree.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }
        folder = String(cString: try #require(made))
    }

    @Test func foldersAreMadeWithThoseAboveThem() throws {
        defer { try? FileTree.remove(folder) }
        try FileTree.makeFolders("\(folder)/a/b/c", mode: 0o700)
        try FileTree.makeFolders("\(folder)/a/b/c", mode: 0o700)
        #expect(access("\(folder)/a/b/c", F_OK) == 0)
        symlink("/nowhere", "\(folder)/link")
        #expect { try FileTree.makeFolders("\(folder)/link/x", mode: 0o700) } throws: { ($0 as? SystemCallError)?.code != nil }
    }

    @Test func allGoesButNothingThatALinkLeadsTo() throws {
        defer { try? FileTree.remove(folder) }
        try FileTree.makeFolders("\(folder)/tree/deep/deeper", mode: 0o700)
        try FileTree.makeFolders("\(folder)/kept", mode: 0o700)
        for file in ["tree/x", "tree/deep/deeper/y", "kept/z"] {
            close(open("\(folder)/\(file)", O_WRONLY | O_CREAT, 0o600))
        }
        // A name that is no text.
        close(open(Array("\(folder)/tree/".utf8CString.dropLast()) + [CChar(bitPattern: 0xff), 0], O_WRONLY | O_CREAT, 0o600))
        symlink("\(folder)/kept", "\(folder)/tree/link")
        try FileTree.remove("\(folder)/tree")
        #expect(access("\(folder)/tree", F_OK) != 0 && access("\(folder)/kept/z", F_OK) == 0)
        try FileTree.remove("\(folder)/tree")
        try FileTree.remove("\(folder)/tree/none/none")
    }

    /// A service can nest folders as deep as it likes, and descriptors are few (`ulimit -n`, usually 1024).
    @Test func depthDoesNotMatter() throws {
        defer { try? FileTree.remove(folder) }
        var names = ["tree"] + [String](repeating: "d", count: 1500)
        var current = try FileDescriptor.open(folder, O_PATH | O_DIRECTORY)
        while !names.isEmpty {
            let name = names.removeFirst()
            mkdirat(current.number, name, 0o700)
            // In the way of folders that are moved.
            mkdirat(current.number, ".removed-1", 0o700)
            close(openat(current.number, ".removed-2", O_WRONLY | O_CREAT, 0o600))
            current = try FileDescriptor.open(name, in: current.number, O_PATH | O_DIRECTORY)
        }
        try FileTree.remove("\(folder)/tree")
        #expect(access("\(folder)/tree", F_OK) != 0)
    }

    @Test func thousandsOfFilesGo() throws {
        defer { try? FileTree.remove(folder) }
        try FileTree.makeFolders("\(folder)/tree", mode: 0o700)
        for number in 0..<5_000 { close(open("\(folder)/tree/\(number)", O_WRONLY | O_CREAT, 0o600)) }
        try FileTree.remove("\(folder)/tree")
        #expect(access("\(folder)/tree", F_OK) != 0)
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount"))
    func whatIsMountedInThereIsLeftAloneAndTheRestGoes() throws {
        defer { try? FileTree.remove(folder) }
        for path in ["tree/a", "tree/mounted", "tree/z", "precious"] { try FileTree.makeFolders("\(folder)/\(path)", mode: 0o700) }
        close(open("\(folder)/precious/file", O_WRONLY | O_CREAT, 0o600))
        try #require(mount("\(folder)/precious", "\(folder)/tree/mounted", nil, UInt(MS_BIND), nil) == 0)
        defer { umount2("\(folder)/tree/mounted", Int32(MNT_DETACH)) }
        #expect(throws: SystemCallError("unlinkat", "mounted", code: EBUSY)) { try FileTree.remove("\(folder)/tree") }
        #expect(access("\(folder)/precious/file", F_OK) == 0)
        #expect(access("\(folder)/tree/a", F_OK) != 0 && access("\(folder)/tree/z", F_OK) != 0)
    }

    @Test func aFileIsToldFromOneThatTakesItsPlaceAndItsInode() throws {
        defer { try? FileTree.remove(folder) }
        var seen: Set<String> = []
        for _ in 0..<20 {
            close(open("\(folder)/file", O_WRONLY | O_CREAT, 0o600))
            let identity = try #require(fileIdentity("\(folder)/file"))
            #expect(fileIdentity("\(folder)/file") == identity)
            seen.insert(identity)
            unlink("\(folder)/file")
            // The kernel's clock for files ticks a few hundred times a second.
            usleep(20_000)
        }
        #expect(seen.count == 20 && fileIdentity("\(folder)/file") == nil)
    }
}
