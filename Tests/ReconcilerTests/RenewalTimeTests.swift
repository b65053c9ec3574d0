import Compose
import Reconciler
import Testing

@Suite struct RenewalTimeTests {
    private static let now: Int64 = 1_800_000_000_000
    private static let day: Int64 = 86_400_000
    private let monthly = SecretRenewal.rotate(every: 30 * 86400, .specification("hex"))
    private let refreshed = SecretRenewal.refresh(every: 300)

    /// Seconds since the epoch of a moment before now.
    private static func ago(_ milliseconds: Int64) -> Int64 { (now - milliseconds) / 1000 }

    @Test func aValueIsDueWithinTheLastTenthOfItsPeriodAndNeverLater() {
        for name in (0..<500).map({ "shop_\($0)" }) {
            let due = monthly.due(after: RenewalHistory(last: Self.ago(Self.day)), at: Self.now, name: name)
            let age = due - (Self.now - Self.day)
            #expect(age > 27 * Self.day && age <= 30 * Self.day + 1000)
        }
    }

    @Test func secretsOfOnePeriodAreSpreadOverATenthOfIt() {
        let dues = (0..<1000).map { monthly.due(after: RenewalHistory(last: Self.ago(0)), at: Self.now, name: "shop_\($0)") }
        // Each tenth of the three days has its share.
        let tenths = Dictionary(grouping: dues) { ($0 - Self.now - 27 * Self.day) * 10 / (3 * Self.day) }.mapValues(\.count)
        for tenth in Int64(0)..<10 { #expect((60...140).contains(tenths[tenth] ?? 0), "tenth \(tenth)") }
    }

    @Test func whoeverAsksIsToldTheSame() {
        let history = RenewalHistory(last: Self.ago(Self.day))
        let due = monthly.due(after: history, at: Self.now, name: "a")
        #expect(monthly.due(after: history, at: Self.now + 5 * Self.day, name: "a") == due)
        #expect(monthly.due(after: history, at: Self.now, name: "b") != due)
        // The next time it comes another time of the day.
        let next = RenewalHistory(last: history.last + 30 * 86400)
        #expect(monthly.due(after: next, at: Self.now + 60 * Self.day, name: "a") != due + 30 * Self.day)
    }

    @Test func whatFellDueMeanwhileIsDueSinceThen() {
        let due = monthly.due(after: RenewalHistory(last: Self.ago(100 * Self.day)), at: Self.now, name: "a")
        #expect(due <= Self.now - 70 * Self.day + 1000 && due > Self.now - 73 * Self.day)
    }

    @Test(arguments: [
        (1, 300_000, 60_000), (2, 300_000, 120_000), (3, 300_000, 240_000), (4, 300_000, 300_000), (1, 2000, 2000),
        (1, 86_400_000, 60_000), (6, 86_400_000, 1_920_000), (7, 86_400_000, 3_600_000), (1000, 86_400_000, 3_600_000), (0, 86_400_000, 60_000),
        (Int.max, Int64.max, 3_600_000),
    ] as [(Int, Int64, Int64)])
    func thePauseDoublesUpToAnHourOrAPeriod(failures: Int, period: Int64, pause: Int64) {
        #expect(ScheduledRenewal.pause(afterFailures: failures, period: period) == pause)
    }

    @Test func whatFailedIsTriedAgainAfterItsPause() {
        let failed = RenewalHistory(last: Self.ago(31 * Self.day), failures: 3, failedAt: Self.ago(10_000))
        let due = monthly.due(after: failed, at: Self.now, name: "a")
        #expect((Self.now - 10_000 + 216_000...Self.now - 10_000 + 240_000).contains(due))
    }

    @Test func aDriverThatFailedIsAskedAgainSoonButNothingIsRotatedBeforeItIsTime() {
        let failed = RenewalHistory(last: Self.ago(1000), failures: 1, failedAt: Self.ago(0))
        #expect(refreshed.due(after: failed, at: Self.now, name: "a") <= Self.now + 60_000)
        #expect(monthly.due(after: failed, at: Self.now, name: "a") >= Self.now + 27 * Self.day - 2000)
    }

    @Test func aTimeInTheFutureCountsAsNow() {
        let future = RenewalHistory(last: Self.ago(-400 * Self.day))
        let due = monthly.due(after: future, at: Self.now, name: "a")
        #expect(due > Self.now + 26 * Self.day && due <= Self.now + 30 * Self.day)
        let failed = RenewalHistory(last: Self.ago(0), failures: 1, failedAt: Self.ago(-400 * Self.day))
        #expect(refreshed.due(after: failed, at: Self.now, name: "a") <= Self.now + 60_000)
    }

    @Test func aValueOfThisSecondIsNotDueAtOnceHoweverShortThePeriod() {
        let everySecond = SecretRenewal.rotate(every: 1, .specification("hex"))
        for now in stride(from: Self.now, to: Self.now + 1000, by: 50) {
            let due = everySecond.due(after: RenewalHistory(last: Self.now / 1000), at: now, name: "a")
            #expect(due >= now + 900 && due <= now + 1000)
        }
    }
}
