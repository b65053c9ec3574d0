import Glibc
import Linux
import Testing

@testable import Runner

/// Changes of one tree, carried over to another that somebody means ill with.
@Suite final class MirroringTests {
    private let folder = TemporaryDirectory()

    init() throws {
        for name in ["from/sub", "root/to", "outside"] { try FileTree.makeFolders("\(folder.path)/\(name)", mode: 0o755) }
        try folder.write("untouched", to: "outside/file")
        try folder.write("a", to: "from/a")
        try folder.write("b", to: "from/sub/b")
    }

    /// - Returns: what could not be carried out.
    @discardableResult
    private func mirror(
        _ changes: [String], to target: String = "/to", from top: String = "from", keeping kept: String = "none"
    ) throws -> [String] {
        let archive = try FileDescriptor.open("\(folder.path)/archive", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        var failures: [String] = []
        try TreeSender(try archive.duplicate()) { failures.append($0) }.send(
            changes: changes.map { Array($0.utf8) }, of: "\(folder.path)/\(top)",
            isKept: { path, _ in String(decoding: path, as: UTF8.self).hasSuffix(kept) })
        lseek(archive.number, 0, SEEK_SET)
        let place = CopyPlace(root: try FileDescriptor.open("\(folder.path)/root", O_PATH | O_DIRECTORY))
        try TreeReceiver(archive, keepsOwners: false, mirrors: true).receiveChanges(at: Array(target.utf8), in: place) { failures.append($0) }
        return failures
    }

    @Test func whatIsThereArrivesAndWhatIsGoneGoes() throws {
        #expect(try mirror(["a", "sub", "sub/b"]) == [])
        #expect(folder.read("root/to/a") == "a" && folder.read("root/to/sub/b") == "b")
        try folder.write("+", to: "from/a")
        unlink("\(folder.path)/from/sub/b")
        try mirror(["a", "sub/b"])
        #expect(folder.read("root/to/a") == "a+" && !folder.exists("root/to/sub/b") && folder.exists("root/to/sub"))
        try FileTree.remove("\(folder.path)/from/sub")
        try folder.write("own", to: "root/to/sub/own")
        try mirror(["sub", "sub/b"])
        #expect(folder.read("root/to/sub/own") == "own" && !folder.exists("root/to/sub/b"))
        unlink("\(folder.path)/root/to/sub/own")
        try mirror(["sub"])
        #expect(!folder.exists("root/to/sub"))
    }

    @Test func aNameThatComesAndGoesTakesNothingOfTheServicesOwn() throws {
        try FileTree.makeFolders("\(folder.path)/root/to/uploads", mode: 0o755)
        try folder.write("own", to: "root/to/uploads/file")
        try mirror(["uploads"])
        #expect(folder.read("root/to/uploads/file") == "own")
        try folder.write("theirs", to: "from/uploads")
        #expect(try mirror(["uploads"]).count == 1)
        #expect(try mirror([""], to: "/to/uploads", from: "from/a").count == 1)
        #expect(folder.read("root/to/uploads/file") == "own")
    }

    @Test func aFileThatIsAllHoleIsNotCopied() throws {
        try folder.write("", to: "from/hole")
        truncate("\(folder.path)/from/hole", 4 << 40)
        let failures = try mirror(["a", "hole"])
        #expect(failures.count == 1 && folder.read("root/to/a") == "a" && !folder.exists("root/to/hole"))
    }

    @Test func aFolderGoesWithoutWhatItHolds() throws {
        try mirror(["sub"])
        #expect(folder.exists("root/to/sub") && !folder.exists("root/to/sub/b"))
    }

    @Test func theWayToTheTargetIsMade() throws {
        try mirror(["a"], to: "/new/deep/to")
        #expect(folder.read("root/new/deep/to/a") == "a")
    }

    @Test func aFileAsTheTopBecomesTheTarget() throws {
        try mirror([""], to: "/to/renamed", from: "from/a")
        #expect(folder.read("root/to/renamed") == "a")
        unlink("\(folder.path)/from/a")
        try mirror([""], to: "/to/renamed", from: "from/a")
        #expect(!folder.exists("root/to/renamed"))
    }

    @Test func aFolderThatIsGoneAsAWholeLeavesTheTargetWithWhatIsItsOwn() throws {
        try mirror(["a", "sub", "sub/b"])
        try folder.write("own", to: "root/to/own")
        try FileTree.remove("\(folder.path)/from")
        #expect(try mirror(["", "a", "sub", "sub/b"]) == [])
        #expect(folder.read("root/to/own") == "own" && !folder.exists("root/to/a") && !folder.exists("root/to/sub"))
    }

    @Test func kindsChangeIntoEachOther() throws {
        try mirror(["a", "sub", "sub/b"])
        unlink("\(folder.path)/from/a")
        try FileTree.makeFolders("\(folder.path)/from/a", mode: 0o755)
        try FileTree.remove("\(folder.path)/from/sub")
        try folder.write("file", to: "from/sub")
        #expect(try mirror(["a", "sub", "sub/b"]) == [])
        var status = stat()
        #expect(lstat("\(folder.path)/root/to/a", &status) == 0 && FileKind(status) == .folder)
        #expect(folder.read("root/to/sub") == "file")
    }

    @Test func whatIsKeptIsNeitherSentNorRemoved() throws {
        try folder.write("theirs", to: "root/to/gone")
        try mirror(["a", "sub/b"], keeping: "/a")
        #expect(!folder.exists("root/to/a") && folder.exists("root/to/sub/b"))
        try mirror(["gone"], keeping: "/gone")
        #expect(folder.read("root/to/gone") == "theirs")
    }

    @Test func aLinkOfTheHostIsCopiedAsOneAndNeverFollowed() throws {
        symlink("../outside/file", "\(folder.path)/from/link")
        try mirror(["link", "link/x"])
        var target = [CChar](repeating: 0, count: 100)
        #expect(readlink("\(folder.path)/root/to/link", &target, 99) == 15)
        // One that takes a folder's place leads nowhere: what was behind it is gone.
        try mirror(["sub", "sub/b"])
        try FileTree.remove("\(folder.path)/from/sub")
        symlink("../outside", "\(folder.path)/from/sub")
        try mirror(["sub/file"])
        #expect(!folder.exists("root/to/sub/file"))
    }

    @Test func noLinkBelowTheTargetIsFollowed() throws {
        symlink("../../outside", "\(folder.path)/root/to/sub")
        let failures = try mirror(["a", "sub/b"])
        #expect(failures.count == 1 && folder.read("root/to/a") == "a" && !folder.exists("outside/b"))
        unlink("\(folder.path)/from/sub/b")
        try mirror(["sub/file", "sub/b"])
        #expect(folder.read("outside/file") == "untouched")
        // A file's place is taken, not what it leads to.
        symlink("../../outside/file", "\(folder.path)/root/to/link")
        try folder.write("new", to: "from/link")
        try mirror(["link"])
        #expect(folder.read("outside/file") == "untouched" && folder.read("root/to/link") == "new")
    }

    @Test func aLinkOnTheWayToTheTargetLeadsNoFurtherThanTheRoot() throws {
        symlink("../../../../../../\(folder.path)/outside", "\(folder.path)/root/way")
        let failures = try mirror(["a"], to: "/way")
        #expect(!failures.isEmpty && !folder.exists("outside/a"))
        symlink("/to", "\(folder.path)/root/good")
        #expect(try mirror(["a"], to: "/good") == [] && folder.read("root/to/a") == "a")
    }

    @Test func removalsAreOfNoOtherArchive() throws {
        let archive = try FileDescriptor.open("\(folder.path)/archive", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        let writer = ArchiveWriter(try archive.duplicate())
        try writer.put(ArchiveEntry(name: Array("file".utf8), kind: .removal, mode: 0, uid: 0, gid: 0, modified: 0))
        try writer.finish()
        lseek(archive.number, 0, SEEK_SET)
        #expect(throws: CopyError.self) {
            try TreeReceiver(try archive.duplicate(), keepsOwners: false).receiveAll(at: Array("\(self.folder.path)/outside".utf8), in: CopyPlace(distrusting: []))
        }
        #expect(folder.read("outside/file") == "untouched")
    }
}
