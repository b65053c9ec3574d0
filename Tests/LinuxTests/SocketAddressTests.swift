import Glibc
import Testing

@testable import Linux

@Suite struct SocketAddressTests {
    @Test func aPathOfAnyLengthThatFitsIsTakenWholeAndALongerOneNotCutShort() {
        var taken: [String] = []
        func take(_ path: String) -> Int32 {
            SocketAddress.withUnix(path) { address, count in
                address.withMemoryRebound(to: sockaddr_un.self, capacity: 1) { address in
                    #expect(address.pointee.sun_family == sa_family_t(AF_UNIX) && Int(count) == MemoryLayout<sockaddr_un>.size)
                    withUnsafeBytes(of: address.pointee.sun_path) { taken.append(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)) }
                }
                return 7
            }
        }
        let longest = "/" + String(repeating: "x", count: 106)
        #expect(take("/run/log") == 7 && take(longest) == 7)
        errno = 0
        #expect(take(longest + "x") == -1 && errno == ENAMETOOLONG)
        #expect(taken == ["/run/log", longest])
    }
}
