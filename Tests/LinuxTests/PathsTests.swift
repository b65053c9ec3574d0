import Linux
import Testing

@Suite struct PathsTests {
    @Test func pathsAreCleanedAsText() {
        #expect(Paths.clean("/a/./b//../c/") == "/a/c")
        #expect(Paths.clean("../a/..") == ".." && Paths.clean("") == "." && Paths.clean("/..") == "/")
        #expect(Paths.clean("/a/.env") == "/a/.env")
        #expect(Paths.clean("./a/../../../b/.") == "../../b" && Paths.clean("a/..") == "." && Paths.clean("/./../a/..") == "/")
        #expect(Paths.clean("../../a/b/../c/") == "../../a/c" && Paths.clean("//a//...//") == "/a/...")
        // An accent after a slash is one character with it for Swift, but not for the kernel.
        #expect(Paths.clean("/a/../\u{301}b") == "/\u{301}b")
        #expect(Paths.absolute("~/x", from: "/p", home: "/home/u") == "/home/u/x")
        #expect(Paths.directory(of: "/a/b") == "/a" && Paths.directory(of: "/a") == "/" && Paths.directory(of: "a") == ".")
        #expect(Paths.directory(of: "/a/\u{301}b") == "/a")
    }

    @Test func theWayDownToAPath() {
        #expect(Paths.rest(of: "/a/b/c", below: "/a") == "b/c")
        #expect(Paths.rest(of: "/a", below: "/a") == "" && Paths.rest(of: "/a", below: "/") == "a" && Paths.rest(of: "/", below: "/") == "")
        #expect(Paths.rest(of: "/ab", below: "/a") == nil && Paths.rest(of: "/", below: "/a") == nil)
        // What Swift takes for one character with the slash, or for the same letter, is not so for the kernel.
        #expect(Paths.rest(of: "/a/\u{301}b", below: "/a")?.utf8.elementsEqual("\u{301}b".utf8) == true)
        #expect(Paths.rest(of: "/\u{e9}/b", below: "/e\u{301}") == nil)
    }
}
