import Glibc
import Linux
import Testing

@testable import Runner

@Suite final class TreeWatcherTests {
    private let folder = TemporaryDirectory()
    private var root: String { folder.path + "/src" }

    init() throws {
        try make("src/sub")
        try folder.write("a", to: "src/a")
    }

    private func make(_ path: String) throws { try FileTree.makeFolders("\(folder.path)/\(path)", mode: 0o755) }

    private func watcher(_ roots: [String]? = nil, skipping skipped: String = "none") throws -> TreeWatcher {
        let skipped = Array("/\(skipped)".utf8)
        return try TreeWatcher(roots: roots ?? [root]) { path, _ in !path.suffix(skipped.count).elementsEqual(skipped) }
    }

    /// The ways from the test's folder.
    private func changes(_ watcher: TreeWatcher) throws -> Set<String> {
        var state = pollfd(fd: watcher.descriptor, events: Int16(POLLIN), revents: 0)
        poll(&state, 1, 1000)
        return Set(try watcher.changes().paths.compactMap { Paths.rest(of: String(decoding: $0, as: UTF8.self), below: folder.path) })
    }

    @Test func whatIsWrittenMadeChangedMovedAndRemovedIsTold() throws {
        let watcher = try watcher()
        try folder.write("more", to: "src/a")
        #expect(try changes(watcher) == ["src/a"])
        try folder.write("new", to: "src/sub/new")
        #expect(try changes(watcher) == ["src/sub/new"])
        chmod("\(root)/a", 0o700)
        #expect(try changes(watcher) == ["src/a"])
        rename("\(root)/sub/new", "\(root)/sub/newer")
        #expect(try changes(watcher) == ["src/sub/new", "src/sub/newer"])
        unlink("\(root)/a")
        #expect(try changes(watcher) == ["src/a"])
    }

    @Test func nothingIsToldOfReadingNorOfWhatLiesBeside() throws {
        let watcher = try watcher()
        #expect(folder.read("src/a") == "a")
        try folder.write("x", to: "beside")
        #expect(try watcher.changes().paths.isEmpty)
    }

    @Test func whatAnEditorReplacesIsTheFileItself() throws {
        let watcher = try watcher()
        try folder.write("b", to: "src/a.new")
        rename("\(root)/a.new", "\(root)/a")
        #expect(try changes(watcher) == ["src/a", "src/a.new"])
    }

    @Test func newFoldersAreWatchedWithWhatWasPutThereBefore() throws {
        let watcher = try watcher()
        try make("src/x/y/z")
        try folder.write("1", to: "src/x/y/z/early")
        #expect(try changes(watcher).isSuperset(of: ["src/x", "src/x/y", "src/x/y/z", "src/x/y/z/early"]))
        try folder.write("2", to: "src/x/y/z/late")
        #expect(try changes(watcher) == ["src/x/y/z/late"])
    }

    @Test func aFolderThatGoesTakesAllAlong() throws {
        try folder.write("b", to: "src/sub/b")
        let watcher = try watcher()
        try FileTree.remove("\(root)/sub")
        #expect(try changes(watcher).isSuperset(of: ["src/sub", "src/sub/b"]))
    }

    /// A watch goes with the folder that it is of, not with the name.
    @Test func aFolderThatWasMovedIsToldByItsNewName() throws {
        try folder.write("b", to: "src/sub/b")
        let watcher = try watcher()
        rename("\(root)/sub", "\(root)/moved")
        #expect(try changes(watcher) == ["src/sub", "src/sub/b", "src/moved", "src/moved/b"])
        try folder.write("c", to: "src/moved/c")
        #expect(try changes(watcher) == ["src/moved/c"])
        rename("\(root)/moved", "\(folder.path)/out")
        #expect(try changes(watcher) == ["src/moved", "src/moved/b", "src/moved/c"])
        try folder.write("d", to: "out/d")
        #expect(try watcher.changes().paths.isEmpty)
        #expect(watcher.everything(below: root).map { String(decoding: $0, as: UTF8.self) } == [root + "/a"])
    }

    @Test func aRootMayBeAFileOrComeLaterOrComeBack() throws {
        let watcher = try watcher([root + "/a", folder.path + "/later"])
        try folder.write("more", to: "src/a")
        try folder.write("x", to: "src/other")
        #expect(try changes(watcher) == ["src/a"])
        try make("later")
        try folder.write("x", to: "later/file")
        #expect(try changes(watcher).isSuperset(of: ["later", "later/file"]))
        try FileTree.remove("\(folder.path)/later")
        _ = try changes(watcher)
        try make("later")
        try folder.write("x", to: "later/again")
        #expect(try changes(watcher).contains("later/again"))
    }

    @Test func aFolderThatIsNotWantedIsNotGoneInto() throws {
        let watcher = try watcher(skipping: "sub")
        try folder.write("x", to: "src/sub/x")
        #expect(try watcher.changes().paths.isEmpty)
    }

    @Test func noLinkIsFollowed() throws {
        try make("outside")
        symlink("../outside", "\(root)/link")
        let watcher = try watcher()
        try folder.write("x", to: "outside/x")
        #expect(try watcher.changes().paths.isEmpty)
        symlink("../outside", "\(root)/link2")
        #expect(try changes(watcher) == ["src/link2"])
        try folder.write("y", to: "outside/y")
        #expect(try watcher.changes().paths.isEmpty)
        // Nor one that takes a folder's place on the way to a root.
        rename("\(root)/sub", "\(root)/old")
        symlink("../outside", "\(root)/sub")
        let second = try TreeWatcher(roots: [root + "/sub"]) { _, _ in true }
        try folder.write("z", to: "outside/z")
        #expect(try second.changes().paths.isEmpty)
    }

    @Test func whatIsThereIsKnown() throws {
        try folder.write("b", to: "src/sub/b")
        let all = try watcher().everything(below: root).map { String(decoding: $0, as: UTF8.self) }.sorted()
        #expect(all == [root + "/a", root + "/sub/b"])
    }

    /// More than the kernel keeps of them: all that is certain is what lies there, and what does not any more.
    @Test func afterTooManyChangesEverythingIsTold() throws {
        let limit = ((try? FileDescriptor.open("/proc/sys/fs/inotify/max_queued_events", O_RDONLY).readAll()) ?? nil).map { String(decoding: $0, as: UTF8.self) }
        let queue = try #require(limit.flatMap { Int($0.filter(\.isNumber)) })
        try #require(queue <= 100_000)
        try folder.write("b", to: "src/sub/b")
        let watcher = try watcher()
        // Two events that are alike become one, if they follow each other.
        for turn in 0...queue { chmod(turn % 2 == 0 ? "\(root)/a" : "\(root)/sub/b", 0o600) }
        unlink("\(root)/a")
        try FileTree.remove("\(root)/sub")
        try make("src/new")
        try folder.write("c", to: "src/new/c")
        let changes = try watcher.changes()
        let ways = Set(changes.paths.compactMap { Paths.rest(of: String(decoding: $0, as: UTF8.self), below: root) })
        #expect(changes.isEverything && ways.isSuperset(of: ["a", "sub", "sub/b", "new", "new/c"]))
        // And on it goes.
        try folder.write("d", to: "src/new/d")
        #expect(try self.changes(watcher) == ["src/new/d"])
    }

    @Test func aLimitIsNamedWithItsRemedy() {
        let error = WatchError.limit("watches", of: "/src cannot be watched", orElse: "leave folders out with 'ignore'").description
        #expect(error.contains("fs.inotify.max_user_watches allows (") && error.contains("sysctl fs.inotify.max_user_watches=") && error.contains("'ignore'"))
    }

    @Test func aFolderThatIsMissingIsSaid() {
        #expect(throws: WatchError.self) { try TreeWatcher(roots: [self.folder.path + "/no/such"]) { _, _ in true } }
    }
}
