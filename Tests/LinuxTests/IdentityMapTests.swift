import Glibc
import Testing

@testable import Linux

@Suite struct IdentityMapTests {
    private func map(_ id: UInt32, _ ranges: (UInt64, UInt64)...) -> String? {
        IdentityMap(id, subordinates: ranges.map { SubordinateRange(first: $0.0, count: $0.1) })?.text
    }

    @Test func theOwnIdIsItselfAndTheOthersCountFromNought() {
        #expect(map(1000, (100_000, 65_536)) == "1000 1000 1\n0 100000 1000\n1001 101000 64536\n")
        // It is beyond what there is.
        #expect(map(5000, (100_000, 3)) == "5000 5000 1\n0 100000 3\n")
        // It is the next one.
        #expect(map(3, (100_000, 3), (200_000, 2)) == "3 3 1\n0 100000 3\n4 200000 2\n")
        #expect(map(0, (100_000, 2)) == "0 0 1\n1 100000 2\n")
        #expect(map(1000) == nil)
    }

    @Test func rangesFollowEachOther() {
        #expect(map(1, (500, 2), (300, 2)) == "1 1 1\n0 500 1\n2 501 1\n3 300 2\n")
    }

    /// The kernel refuses a map in which somebody outside is two inside.
    @Test func nobodyIsMappedTwice() {
        #expect(map(9000, (100, 10), (105, 10)) == "9000 9000 1\n0 100 10\n10 110 5\n")
        #expect(map(9000, (100, 10), (100, 10)) == "9000 9000 1\n0 100 10\n")
        #expect(map(9000, (105, 2), (100, 10)) == "9000 9000 1\n0 105 2\n2 100 5\n7 107 3\n")
        // Nor is the own id subordinate to itself.
        #expect(map(104, (100, 10)) == "104 104 1\n0 100 4\n4 105 5\n")
        #expect(map(100, (100, 1)) == nil)
    }

    @Test func thereIsAnEndToIdsAndToExtents() {
        #expect(map(1, (1, 4_294_967_294)) == "1 1 1\n0 2 1\n2 3 4294967292\n")
        let many = (0..<1000).map { SubordinateRange(first: UInt64(10_000 + 2 * $0), count: 1) }
        let map = IdentityMap(5, subordinates: many)
        #expect(map?.extents.count == 340)
        #expect(map?.contains(339) == true && map?.contains(340) == false && map?.arguments.count == 1020)
    }

    @Test func whoIsWho() throws {
        let map = try #require(IdentityMap(1000, subordinates: [SubordinateRange(first: 100_000, count: 65_536)]))
        #expect(map.outside(0) == 100_000 && map.outside(999) == 100_999 && map.outside(1000) == 1000 && map.outside(1001) == 101_000)
        #expect(map.outside(65_536) == 165_535 && map.outside(65_537) == nil && map.lastInRow == 65_536)
        #expect(map.same == 1000 && !map.hasOne && IdentityMap(map.text) == map)
        let alone = IdentityMap(alone: 993)
        #expect(alone.hasOne && alone.same == 993 && alone.contains(993) && !alone.contains(0) && alone.lastInRow == nil)
    }

    @Test func theKernelsTextIsRead() throws {
        let one = try #require(IdentityMap("       993        993          1\n"))
        #expect(one == IdentityMap(alone: 993))
        let all = try #require(IdentityMap("         0          0 4294967295\n"))
        #expect(all.contains(0) && all.contains(.max - 1) && !all.contains(.max) && all.same == nil && !all.hasOne)
        #expect(try #require(IdentityMap("")).contains(0) == false)
        for text in ["x", "1 2", "1 2 3 4", "-1 0 1", "0 0 99999999999"] { #expect(IdentityMap(text) == nil, "\(text)") }
        #expect(IdentityMap(.groups, of: 0) == nil)
        #expect(try #require(IdentityMap(.users, of: getpid())).contains(geteuid()))
    }
}
