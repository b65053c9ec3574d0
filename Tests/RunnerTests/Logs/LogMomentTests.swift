import Glibc
import Testing

@testable import Runner

@Suite struct LogMomentTests {
    private static let now = LogTime(nanoseconds: 1_800_000_000_000_000_000)

    @Test(arguments: [
        ("2026-01-31T10:00:00Z", "2026-01-31T10:00:00Z"), ("2026-01-31T10:00:00.5Z", "2026-01-31T10:00:00.5Z"),
        ("2026-01-31T10:00Z", "2026-01-31T10:00:00Z"), ("2026-01-31T10Z", "2026-01-31T10:00:00Z"),
        ("2026-01-31Z", "2026-01-31T00:00:00Z"), ("2026-01-31T10:00:00+02:00", "2026-01-31T08:00:00Z"),
        ("2026-01-31T10:00-01:30", "2026-01-31T11:30:00Z"), ("1767323045", "2026-01-02T03:04:05Z"),
        ("1767323045.000000001", "2026-01-02T03:04:05.000000001Z"), ("0s", "2027-01-15T08:00:00Z"),
        ("1h30m", "2027-01-15T06:30:00Z"), ("1.5s", "2027-01-15T07:59:58.5Z"), ("250ms", "2027-01-15T07:59:59.75Z"),
    ])
    func dockersFormsAreTaken(text: String, expected: String) {
        #expect(LogTime(moment: text, now: Self.now)?.description == expected)
    }

    @Test(arguments: ["2026-01-31T10:00:00", "2026-01-31T10:00:00.25", "2026-07-31T10:00", "2026-07-31T10", "2026-01-31"])
    func withoutAZoneItIsLocalTime(text: String) throws {
        let moment = try #require(LogTime(moment: text))
        var seconds = time_t(moment.nanoseconds / 1_000_000_000)
        var fields = tm()
        localtime_r(&seconds, &fields)
        var buffer = [CChar](repeating: 0, count: 32)
        strftime(&buffer, buffer.count, "%Y-%m-%dT%H:%M:%S", &fields)
        let full = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        #expect(full.hasPrefix(String(text.prefix(19))))
        #expect(full.dropFirst(text.count).allSatisfy { "T:0".contains($0) })
    }

    @Test(arguments: [
        "", "soon", "2026-01", "2026-1-31", "2026-02-30", "2026-01-31T", "2026-01-31T24:00", "2026-01-31 10:00",
        "2026-01-31T10:00:00.", "2026-01-31T10:00:00+2", "10q", "h", "1h2", "-1h", "1..5s", "99999999999999999999", "0001-01-01",
    ])
    func nothingElseIs(text: String) {
        #expect(LogTime(moment: text, now: Self.now) == nil)
    }
}
