import Testing

@testable import Linux

@Suite struct SignalsTests {
    @Test(arguments: [
        ("SIGTERM", 15), ("term", 15), ("Kill", 9), ("1", 1), ("64", 64), ("SIGRTMIN", 34), ("RTMIN+3", 37), ("SIGRTMAX-1", 63),
        ("SIGIOT", 6), ("POLL", 29),
    ] as [(String, Int32)])
    func aSignalGoesByNameOrNumber(text: String, number: Int32) {
        #expect(Signals.number(text) == number)
    }

    @Test(arguments: ["", "SIG", "HUPP", "0", "65", "-1", "RTMIN+31", "RTMAX+1", "RTMIN3", "SIGSIGTERM", "RTMIN+99999999999"])
    func whatIsNoneIsNone(text: String) {
        #expect(Signals.number(text) == nil)
    }

    @Test func everyNameComesBack() {
        for number in Int32(1)...31 { #expect(Signals.number(Signals.name(number)) == number) }
        #expect(Signals.name(15) == "SIGTERM" && Signals.name(36) == "SIGRTMIN+2" && Signals.name(33) == "33")
    }

    @Test func aCapabilityGoesWithOrWithoutItsPrefix() {
        #expect(Capabilities.number("CAP_CHOWN") == 0 && Capabilities.number("net_admin") == 12)
        #expect(Capabilities.number("NET_ADMNI") == nil && Capabilities.number("CAP_") == nil)
    }
}
