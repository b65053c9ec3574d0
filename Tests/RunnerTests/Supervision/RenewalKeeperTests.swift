import Reconciler
import Testing

@testable import Runner

/// The time is kept for secrets that are renewed; times are in milliseconds of one clock and seconds of the other.
@Suite final class RenewalKeeperTests {
    private var milliseconds: Int64 = 5_000_000
    private var seconds: Int64 = 1_700_000_000
    private var started: [RenewalSchedule] = []
    private var canStart = true
    private lazy var keeper: RenewalKeeper = {
        let keeper = RenewalKeeper(now: { [unowned self] in milliseconds }, wallClock: { [unowned self] in seconds })
        keeper.start = { [unowned self] schedule in
            started.append(schedule)
            return canStart
        }
        return keeper
    }()

    private func schedule(_ due: Int64...) -> RenewalSchedule {
        RenewalSchedule(stack: "demo", secrets: due.map { ObservedRenewal(secret: "s\($0)", due: seconds + $0) })
    }

    private func pass(_ time: Int64) {
        milliseconds += time * 1000
        seconds += time
        keeper.handleDeadlines()
    }

    @Test func withNothingToRenewItNeverWakes() {
        #expect(keeper.nextDeadline == nil)
        keeper.take(schedule())
        #expect(keeper.nextDeadline == nil)
    }

    @Test func theProcessIsStartedWhenTheFirstSecretIsDueAndNotBefore() {
        keeper.take(schedule(100, 30))
        pass(29)
        #expect(started.isEmpty)
        pass(1)
        #expect(started.map(\.stack) == ["demo"])
        #expect(keeper.nextDeadline == nil, "one at a time")
    }

    @Test func theNextTimesComeFromTheProcess() {
        keeper.take(schedule(10))
        pass(10)
        keeper.take(schedule(20))
        #expect(keeper.nextDeadline == nil)
        keeper.ended(succeeded: true)
        pass(19)
        #expect(started.count == 1)
        pass(1)
        #expect(started.count == 2)
    }

    @Test func aProcessThatEndsWithoutAnAnswerIsTriedAgainAfterAMinute() {
        keeper.take(schedule(10))
        pass(10)
        keeper.ended(succeeded: true)
        pass(59)
        #expect(started.count == 1)
        pass(1)
        #expect(started.count == 2)
        keeper.ended(succeeded: false)
        pass(59)
        #expect(started.count == 2)
    }

    @Test func oneThatCanNotBeStartedIsTriedAgainAfterAMinute() {
        canStart = false
        keeper.take(schedule(1))
        pass(1)
        pass(1)
        #expect(started.count == 1)
        pass(59)
        #expect(started.count == 2)
    }

    @Test func whatIsAlwaysDueMakesNoStorm() {
        keeper.take(schedule(-1000))
        for _ in 0..<10_000 {
            milliseconds += 1
            keeper.handleDeadlines()
            if keeper.nextDeadline == nil {
                keeper.take(schedule(-1000))
                keeper.ended(succeeded: true)
            }
        }
        #expect((9...11).contains(started.count))
    }

    @Test func aClockThatWasPutForwardIsNoticedWithinAnHour() {
        keeper.take(schedule(30 * 86_400))
        seconds += 31 * 86_400
        let deadline = keeper.nextDeadline
        #expect(deadline == milliseconds + RenewalKeeper.longestSleep)
        milliseconds += RenewalKeeper.longestSleep
        keeper.handleDeadlines()
        #expect(started.count == 1)
    }

    @Test func hostileTimesDoNotOverflow() {
        for due in [Int64.min, .max, 0] {
            keeper.take(RenewalSchedule(stack: "demo", secrets: [ObservedRenewal(secret: "s", due: due)]))
            keeper.handleDeadlines()
        }
        #expect(keeper.nextDeadline.map { $0 >= milliseconds } ?? true)
    }
}
