import Glibc
import Testing

@testable import Linux

@Suite struct GroupMapTests {
    @Test func aNamespaceHasTheGroupsThatItMaps() throws {
        let one = try #require(GroupMap("       993        993          1\n"))
        #expect(one.contains(993) && !one.contains(992) && !one.contains(994) && !one.contains(0) && one.only == 993)
        let all = try #require(GroupMap("         0          0 4294967295\n"))
        #expect(all.contains(0) && all.contains(.max - 1) && !all.contains(.max) && all.only == nil)
        let two = try #require(GroupMap("0 1000 1\n1 100000 65536\n"))
        #expect(two.contains(65536) && !two.contains(65537) && two.only == nil)
        #expect(try #require(GroupMap("")).contains(0) == false)
    }

    @Test func whatMakesNoSenseIsNone() {
        for text in ["x", "1 2", "1 2 3 4", "-1 0 1", "0 0 99999999999"] { #expect(GroupMap(text) == nil, "\(text)") }
        #expect(GroupMap(of: 0) == nil)
    }

    @Test func everyProcessHasOne() throws { #expect(try #require(GroupMap(of: getpid())).contains(getegid())) }
}
