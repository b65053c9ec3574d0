import Glibc
import Linux
import Testing

@Suite struct SafePathTests {
    private let folder: String
    /// Somebody else; root can give him things.
    private let stranger: uid_t = 54321

    init() throws {
        var template = Array("/tmp/stackup-path.XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }
        folder = String(cString: try #require(made))
        mkdir("\(folder)/way", 0o755)
        mkdir("\(folder)/way/own", 0o700)
    }

    private func opens(_ path: String = "way/own", create: Bool = false) throws -> Bool {
        let opened = try SafePath.open("\(folder)/\(path)", create: create)
        return opened != nil
    }

    private func refusal(_ path: String = "way/own") -> String {
        do {
            _ = try SafePath.open("\(folder)/\(path)")
            return ""
        } catch {
            return "\(error)"
        }
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        lstat("\(folder)/\(path)", &status)
        return status.st_mode & 0o7777
    }

    @Test func whatIsTheCallersAloneIsOpenedAndMade() throws {
        defer { try? FileTree.remove(folder) }
        #expect(try opens() && !opens("way/none"))
        #expect(try opens("way/new/newer", create: true))
        #expect(mode("way/new") == 0o700 && mode("way/new/newer") == 0o700)
        #expect(try opens("way/../way/./own"))
    }

    @Test(arguments: [0o777, 0o757, 0o733] as [mode_t])
    func aFolderThatOthersMayWriteToIsRefusedUnlessItIsSticky(mode: mode_t) throws {
        defer { try? FileTree.remove(folder) }
        chmod("\(folder)/way", mode)
        #expect(refusal() == "\(folder)/way: others may write to this folder; check what is in it, then run: chmod go-w '\(folder)/way'; or set STACKUP_HOME to another folder")
        chmod("\(folder)/way", mode | 0o1000)
        #expect(try opens())
    }

    /// The group of a user alone may write: a umask of 002 makes such folders.
    @Test func aGroupIsFineWhereItHasNobodyElseInIt() throws {
        defer { try? FileTree.remove(folder) }
        chmod("\(folder)/way", 0o775)
        #expect(try opens() == UserDatabase.host.isOwn(group: getegid(), of: geteuid()))
        let users = UserDatabase(
            passwd: "root:x:0:0::/:\nme:x:7:7::/:\nother:x:8:8::/:\nsecond:x:9:20::/:\n",
            group: "me:x:7:\nwith:x:21:me,root\nmixed:x:22:me,other\nunknown:x:23:me,ghost\n")
        #expect([7, 21].allSatisfy { users.isOwn(group: $0, of: 7) })
        #expect([8, 20, 22, 23, 99].allSatisfy { !users.isOwn(group: $0, of: 7) })
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a folder away"))
    func anothersFolderOrLinkOnTheWayIsRefused() throws {
        defer { try? FileTree.remove(folder) }
        chown("\(folder)/way", stranger, 0)
        #expect(refusal().hasPrefix("\(folder)/way: this folder belongs to user 54321, who can lead what is below it elsewhere; "))
        chown("\(folder)/way", 0, 0)
        symlink("\(folder)/way", "\(folder)/link")
        symlink("way", "\(folder)/relative")
        #expect(try opens("link/own") && opens("relative/own"))
        lchown("\(folder)/link", stranger, 0)
        #expect(refusal("link/own").hasPrefix("\(folder)/link: this link belongs to user 54321, "))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a folder away"))
    func whereALinkLeadsIsLookedAtToo() throws {
        defer { try? FileTree.remove(folder) }
        mkdir("\(folder)/theirs", 0o755)
        mkdir("\(folder)/theirs/own", 0o700)
        chown("\(folder)/theirs", stranger, 0)
        symlink("theirs/own", "\(folder)/link")
        #expect(refusal("link").contains("/theirs: this folder belongs to user 54321"))
        symlink("loop", "\(folder)/loop")
        #expect(throws: SafePathError.system(SystemCallError("openat", "\(folder)/loop", code: ELOOP))) { try opens("loop") }
    }

    @Test func anAccessControlListCounts() throws {
        defer { try? FileTree.remove(folder) }
        // user::rwx user:54321:rwx group::r-x mask::rwx other::r-x, as acl(5) has it in the attribute.
        func entry(_ tag: UInt8, _ rights: UInt8, _ id: UInt32) -> [UInt8] {
            [tag, 0, rights, 0] + withUnsafeBytes(of: id.littleEndian, Array.init)
        }
        let list = [2, 0, 0, 0] + entry(1, 7, .max) + entry(2, 7, 54321) + entry(4, 5, .max) + entry(16, 7, .max) + entry(32, 5, .max)
        try #require(setAccessList(list, of: "\(folder)/way"), "this filesystem has no access control lists")
        #expect(mode("way") == 0o775)
        #expect(refusal().contains("others may write to this folder"))
    }

    /// setxattr(2), by the program for it.
    private func setAccessList(_ list: [UInt8], of path: String) -> Bool {
        let code = "import os,sys; os.setxattr(sys.argv[1], 'system.posix_acl_access', bytes.fromhex(sys.argv[2]))"
        let text = list.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let arguments: [String] = ["python3", "-c", code, path, text]
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        guard posix_spawnp(&pid, "python3", nil, nil, &words, environ) == 0 else { return false }
        var status: Int32 = 0
        return waitpid(pid, &status, 0) == pid && status == 0
    }

    @Test func aPrivateFolderIsClosedToOthersAndNoLinkTakesItsPlace() throws {
        defer { try? FileTree.remove(folder) }
        chmod("\(folder)/way/own", 0o777)
        let own = try #require(try PrivateFolder.open("\(folder)/way/own", create: false))
        #expect(mode("way/own") == 0o700)
        mkdir("\(folder)/precious", 0o700)
        mkdir("\(folder)/precious/kept", 0o700)
        symlink("\(folder)/precious", "\(folder)/way/own/link")
        symlink("\(folder)/precious", "\(folder)/way/link")
        #expect(throws: SafePathError.self) { _ = try own.child("link", create: true) }
        #expect(throws: SafePathError.self) { try PrivateFolder.open("\(folder)/way/link", create: true) }
        #expect(try PrivateFolder.open("\(folder)/way/link", create: false, mayBeLink: true) != nil)
        own.remove()
        #expect(access("\(folder)/way/own", F_OK) != 0 && access("\(folder)/precious/kept", F_OK) == 0)
    }
}
