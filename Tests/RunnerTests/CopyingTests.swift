import Glibc
import Linux
import Testing

@testable import Runner

/// Copies between trees, one of which somebody means ill with.
@Suite final class CopyingTests {
    private let folder: String

    init() throws {
        var template = Array("/tmp/stackup-copying.XXXXXX".utf8CString)
        folder = String(cString: try #require(mkdtemp(&template)))
        for name in ["from", "to", "outside"] { mkdir("\(folder)/\(name)", 0o755) }
        write("outside/file", "untouched")
    }

    deinit { try? FileTree.remove(folder) }

    private func write(_ path: String, _ text: String, mode: mode_t = 0o644) {
        let number = open("\(folder)/\(path)", O_WRONLY | O_CREAT | O_TRUNC, mode)
        #expect(number >= 0 && text.utf8CString.withUnsafeBytes { Glibc.write(number, $0.baseAddress, $0.count - 1) } == text.utf8.count)
        fchmod(number, mode)
        close(number)
    }

    private func read(_ path: String) -> String? {
        ((try? FileDescriptor.open("\(folder)/\(path)", O_RDONLY | O_NOFOLLOW).readAll()) ?? nil).map { String(decoding: $0, as: UTF8.self) }
    }

    private func send(_ path: String, followsLink: Bool = false) throws -> (archive: [UInt8], omitted: [String]) {
        let file = try FileDescriptor.open("\(folder)/archive", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        var omitted: [String] = []
        try TreeSender(try file.duplicate()) { omitted.append($0) }
            .send(Array("\(folder)/\(path)".utf8), from: CopyPlace(distrusting: []), followsLink: followsLink)
        return (try FileDescriptor.open("\(folder)/archive", O_RDONLY).readAll() ?? [], omitted)
    }

    private func receive(
        _ archive: [UInt8], at path: String = "to", all: Bool = false, distrusting: [String] = [], keepsOwners: Bool = false
    ) throws {
        let file = try FileDescriptor.open("\(folder)/incoming", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        try file.writeAll(archive)
        lseek(file.number, 0, SEEK_SET)
        let receiver = TreeReceiver(try file.duplicate(), keepsOwners: keepsOwners)
        let place = CopyPlace(distrusting: distrusting.map { "\(folder)/\($0)" })
        let bytes = Array("\(folder)/\(path)".utf8)
        if all { try receiver.receiveAll(at: bytes, in: place) } else { try receiver.receive(at: bytes, in: place) }
    }

    private func archive(_ entries: [(ArchiveEntry, String)]) throws -> [UInt8] {
        let file = try FileDescriptor.open("\(folder)/made", O_RDWR | O_CREAT | O_TRUNC, mode: 0o600)
        let writer = ArchiveWriter(try file.duplicate())
        for (entry, content) in entries {
            try writer.put(entry)
            try Array(content.utf8).withUnsafeBytes { try writer.put(content: $0) }
            try writer.pad(after: Int64(content.utf8.count))
        }
        try writer.finish()
        return try FileDescriptor.open("\(folder)/made", O_RDONLY).readAll() ?? []
    }

    private func file(_ name: String, _ content: String = "evil", mode: UInt32 = 0o644) -> (ArchiveEntry, String) {
        (ArchiveEntry(name: Array(name.utf8), kind: .file(size: Int64(content.utf8.count)), mode: mode, uid: 0, gid: 0, modified: 1), content)
    }

    private func link(_ name: String, _ target: String) -> (ArchiveEntry, String) {
        (ArchiveEntry(name: Array(name.utf8), kind: .link(target: Array(target.utf8)), mode: 0o777, uid: 0, gid: 0, modified: 1), "")
    }

    private func directory(_ name: String) -> (ArchiveEntry, String) {
        (ArchiveEntry(name: Array(name.utf8), kind: .folder, mode: 0o755, uid: 0, gid: 0, modified: 1), "")
    }

    // MARK: What arrives

    @Test func aTreeArrivesAsItWas() throws {
        mkdir("\(folder)/from/sub", 0o750)
        write("from/sub/run", "program", mode: 0o755)
        let long = String(repeating: "n", count: 200)
        write("from/\(long)", "long")
        write("from/large", String(repeating: "x", count: 700_001))
        symlink(String(repeating: "t", count: 150), "\(folder)/from/link")
        let sent = try send("from")
        #expect(sent.omitted.isEmpty)
        try receive(sent.archive)
        #expect(read("to/from/sub/run") == "program" && read("to/from/\(long)") == "long" && read("to/from/large")?.count == 700_001)
        var status = stat()
        #expect(stat("\(folder)/to/from/sub", &status) == 0 && status.st_mode & 0o777 == 0o750)
        #expect(stat("\(folder)/to/from/sub/run", &status) == 0 && status.st_mode & 0o7777 == 0o755)
        #expect(lstat("\(folder)/to/from/link", &status) == 0 && status.st_size == 150)
    }

    /// As `docker cp` has it.
    @Test func whereItGoesHangsOnWhatIsThere() throws {
        write("from/a", "a")
        try receive(try send("from").archive, at: "to/new")
        #expect(read("to/new/a") == "a")
        try receive(try send("from/.").archive, at: "to")
        #expect(read("to/a") == "a")
        try receive(try send("from/a").archive, at: "to/b")
        #expect(read("to/b") == "a")
        write("from/a", "newer")
        try receive(try send("from/a").archive, at: "to/new")
        #expect(read("to/new/a") == "newer")
        #expect(throws: CopyError.self) { try receive(try send("from/a").archive, at: "to/missing/") }
        #expect(throws: CopyError.self) { try receive(try send("from/a").archive, at: "to/missing/x") }
        #expect(throws: CopyError.self) { try receive(try send("from").archive, at: "to/b") }
    }

    @Test func whatIsNoFileIsLeftOutWithoutWaitingForIt() throws {
        mkfifo("\(folder)/from/fifo", 0o644)
        write("from/file", "here")
        let sent = try send("from")
        #expect(sent.omitted.count == 1 && sent.omitted[0].hasPrefix("from/fifo"))
        try receive(sent.archive)
        #expect(read("to/from/file") == "here" && access("\(folder)/to/from/fifo", F_OK) != 0)
        #expect(throws: CopyError.self) { try send("from/fifo") }
        #expect(throws: CopyError.self) { try send("from/file/") }
    }

    @Test func linksAreNotFollowedUnlessOneIsNamed() throws {
        symlink("\(folder)/outside", "\(folder)/from/link")
        try receive(try send("from").archive)
        #expect(read("to/from/link/file") == "untouched" && read("to/from/link") == nil)
        var status = stat()
        #expect(lstat("\(folder)/to/from/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
        try receive(try send("from/link", followsLink: true).archive, at: "to/followed")
        #expect(read("to/followed/file") == "untouched")
    }

    // MARK: Attacks

    @Test(arguments: ["../outside/file", "a/../../outside/file", "/etc/x", "sub/../../outside/file"]) func noNameLeadsOut(_ name: String) throws {
        #expect(throws: (any Error).self) { try receive(try archive([file(name)]), all: true) }
        #expect(read("outside/file") == "untouched")
    }

    @Test func noLinkOfTheArchiveLeadsOut() throws {
        let evil = try archive([directory("top"), link("top/away", "\(folder)/outside"), file("top/away/file")])
        #expect(throws: (any Error).self) { try receive(evil) }
        #expect(throws: (any Error).self) { try receive(evil, all: true) }
        #expect(read("outside/file") == "untouched")
    }

    @Test func noLinkThatLiesThereLeadsOut() throws {
        symlink("\(folder)/outside", "\(folder)/to/top")
        #expect(throws: (any Error).self) { try receive(try archive([directory("top"), file("top/file")])) }
        // A file takes a link's place, not that of what it leads to; nor of another name of the same file.
        symlink("\(folder)/outside/file", "\(folder)/to/one")
        Glibc.link("\(folder)/outside/file", "\(folder)/to/two")
        try receive(try archive([file("one", "new")]))
        try receive(try archive([file("two", "new")]))
        #expect(read("to/one") == "new" && read("to/two") == "new" && read("outside/file") == "untouched")
    }

    @Test func aLinkThatAServiceMayHaveLaidIsNotFollowed() throws {
        symlink("\(folder)/outside", "\(folder)/to/link")
        try receive(try archive([file("x")]), at: "to/link")
        #expect(read("outside/x") == "evil")
        #expect(throws: CopyError.self) { try receive(try archive([file("y")]), at: "to/link", distrusting: ["to"]) }
        #expect(throws: CopyError.self) { try receive(try archive([file("y")]), at: "to/link/y", distrusting: ["to"]) }
        #expect(access("\(folder)/outside/y", F_OK) != 0)
        #expect(throws: CopyError.self) { _ = try CopyPlace(distrusting: ["\(folder)/to"]).open(Array("\(folder)/to/link/file".utf8), followsLast: false) }
    }

    /// Somebody who may rename in the folder that is copied to puts a folder of somebody else's, or a file, in the place of what was just made.
    @Test(arguments: [ArchiveEntry.Kind.folder, .link(target: Array("somewhere".utf8))])
    func whoRenamesMeanwhileChangesNoOtherEntry(_ kind: ArchiveEntry.Kind) throws {
        let isFolder = kind == .folder
        let made = isFolder ? "made" : ".stackup-copy-\(getpid())-1"
        let entry = ArchiveEntry(
            name: Array("made".utf8), kind: kind, mode: 0o755, uid: geteuid() == 0 ? 12345 : geteuid(), gid: getegid(), modified: 1)
        let archive = try archive([(entry, "")])
        for _ in 0..<500 {
            if isFolder { mkdir("\(folder)/to/victim", 0o700) }
            write(isFolder ? "to/victim/content" : "to/victim", "kept", mode: 0o600)
            let victim = try FileDescriptor.open("\(folder)/to/victim", O_PATH)
            let exchanger = try Exchanger("\(folder)/to/victim", "\(folder)/to/\(made)")
            try? receive(archive, keepsOwners: true)
            exchanger.end()
            let status = try victim.status()
            try #require(status.st_uid == geteuid() && status.st_mode & 0o777 == (isFolder ? 0o700 : 0o600), "it has become another's")
            for name in ["victim", "made", made] { try FileTree.remove("\(folder)/to/\(name)") }
        }
    }

    @Test func nothingBecomesSetuid() throws {
        try receive(try archive([file("program", mode: 0o6755)]))
        var status = stat()
        #expect(stat("\(folder)/to/program", &status) == 0 && status.st_mode & 0o7777 == 0o755)
    }

    /// In a service's tree, everything starts from its root.
    @Test func aServicesLinksStayBelowItsRoot() throws {
        symlink("/etc", "\(folder)/from/etc")
        symlink("../../../../../../outside", "\(folder)/from/up")
        let place = CopyPlace(root: try FileDescriptor.open("\(folder)/from", O_PATH | O_DIRECTORY))
        for path in ["/etc/hostname", "etc/hostname", "/up/file", "../outside/file", "/../outside/file"] {
            #expect(throws: SystemCallError.self) { _ = try place.open(Array(path.utf8), followsLast: true) }
        }
        let host = CopyPlace(root: try FileDescriptor.open("/", O_PATH | O_DIRECTORY))
        #expect(throws: SystemCallError.self) { _ = try host.open(Array("/proc/self/root/etc".utf8), followsLast: true) }
    }

    @Test func noiseIsRefusedAndNeverCrashes() throws {
        let whole = try archive([directory("top"), file("top/a", String(repeating: "x", count: 600)), link("top/b", "c")])
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var broken = whole
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                broken[Int.random(in: 0..<broken.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { broken.removeLast(Int.random(in: 0..<broken.count, using: &generator)) }
            try? receive(broken, all: true)
        }
        #expect(throws: CopyError.self) { try receive([UInt8](repeating: 7, count: 2048)) }
        #expect(throws: CopyError.self) { try receive([]) }
        #expect(throws: CopyError.self) { try receive(Array(whole.prefix(1200))) }
        #expect(read("outside/file") == "untouched")
    }
}
