import Reconciler
import Testing

@testable import Runner

/// A schedule's time by a clock that nobody sets and one that somebody does, both set by hand.
@Suite struct RenewalClockTests {
    private var clock = RenewalClock()
    private var moment = RenewalClock.Moment(elapsed: 1_000_000, wall: 1_800_000_000_000)

    private static let hour: Int64 = 3_600_000

    /// A secret that is due so long from now, every hour.
    private func renewal(
        _ secret: String, in milliseconds: Int64, last: Int64 = 1, failure: ScheduledRenewal.Failure? = nil
    ) -> ScheduledRenewal {
        ScheduledRenewal(secret: secret, due: moment.wall + milliseconds, period: Self.hour, last: last, failure: failure)
    }

    private mutating func wait(_ milliseconds: Int64) {
        moment.elapsed += milliseconds
        moment.wall += milliseconds
    }

    /// What is handed out now.
    private mutating func due() -> [String] {
        let before = clock.underWay
        return clock.handOut(at: moment) ? clock.underWay.subtracting(before).sorted() : []
    }

    @Test mutating func eachSecretHasItsTurnWhenItIsDueAndOnceOnly() {
        clock.replace(with: [renewal("a", in: 2000), renewal("b", in: 1000)], at: moment)
        #expect(clock.next(at: moment) == moment.elapsed + 1000)
        #expect(due() == [])
        wait(1000)
        #expect(due() == ["b"])
        #expect(clock.next(at: moment) == moment.elapsed + 1000)
        wait(5000)
        #expect(due() == ["a"])
        #expect(clock.next(at: moment) == nil && due() == [])
    }

    @Test mutating func whatIsOverdueHasItsTurnAtOnce() {
        clock.replace(with: [renewal("a", in: -500 * Self.hour)], at: moment)
        #expect(clock.next(at: moment) == moment.elapsed)
        #expect(due() == ["a"])
    }

    @Test mutating func aClockThatIsSetForwardStartsEachSecretOnce() {
        clock.replace(with: (0..<100).map { renewal("s\($0)", in: Self.hour / 2) }, at: moment)
        moment.wall += 365 * 24 * Self.hour
        #expect(due().count == 100)
        clock.replace(with: (0..<100).map { renewal("s\($0)", in: Self.hour, last: 2) }, at: moment)
        // Back and forth: nobody has another turn before half a minute has really passed.
        for _ in 0..<50 {
            moment.wall -= 400 * 24 * Self.hour
            #expect(due() == [])
            moment.wall += 400 * 24 * Self.hour
            #expect(due() == [])
        }
    }

    @Test mutating func aClockThatIsSetBackPutsNothingOffForLongerThanAPeriod() {
        clock.replace(with: [renewal("a", in: 1000)], at: moment)
        moment.wall -= 365 * 24 * Self.hour
        #expect(clock.next(at: moment) == moment.elapsed + Self.hour)
        // Nor does telling it again.
        wait(Self.hour / 2)
        clock.replace(with: [renewal("a", in: 365 * 24 * Self.hour)], at: moment)
        #expect(clock.next(at: moment) == moment.elapsed + Self.hour / 2)
        // Set right again, it is due when it was.
        moment.wall += 365 * 24 * Self.hour
        clock.replace(with: [renewal("a", in: 0)], at: moment)
        #expect(due() == ["a"])
    }

    @Test mutating func aScheduleThatIsAlwaysOverdueMakesNoStorm() {
        var turns = 0
        for second in 0..<600 {
            clock.replace(with: [renewal("a", in: -1000, last: Int64(second))], at: moment)
            turns += due().count
            wait(1000)
        }
        #expect(turns == 20)
    }

    @Test mutating func whatIsUnderWayWaitsForItsOutcome() {
        clock.replace(with: [renewal("a", in: 0), renewal("b", in: 0)], at: moment)
        #expect(due() == ["a", "b"])
        // A command that knows of no turn yet sends its schedule.
        clock.replace(with: [renewal("a", in: 0), renewal("b", in: 0)], at: moment)
        wait(Self.hour)
        #expect(due() == [])
        clock.replace(with: [renewal("a", in: Self.hour, last: 2), renewal("b", in: 0)], at: moment)
        #expect(clock.underWay == ["b"])
        #expect(clock.next(at: moment) == moment.elapsed + Self.hour)
    }

    @Test mutating func whatNobodyReportsCountsAsAFailureAndIsTriedAgainLaterAndLater() {
        clock.replace(with: [renewal("a", in: 0)], at: moment)
        var pauses: [Int64] = []
        for _ in 0..<8 {
            let start = moment.elapsed
            let next = clock.next(at: moment) ?? 0
            wait(next - start)
            #expect(due() == ["a"])
            pauses.append(next - start)
            #expect(clock.conclude(because: "it crashed", at: moment) == ["a"])
        }
        #expect(pauses == [0, 60_000, 120_000, 240_000, 480_000, 960_000, 1_920_000, 3_600_000])
        let failure = clock.observed(isAttended: true)?.renewals.first?.failure
        #expect(failure == .init(count: 8, reason: "it crashed"))
    }

    @Test mutating func aPauseAfterAFailureEndsWhateverBecomesOfTheClock() {
        clock.replace(with: [renewal("a", in: 0)], at: moment)
        #expect(due() == ["a"])
        clock.fail("a", because: "no", at: moment)
        moment.wall -= 24 * Self.hour
        #expect(clock.next(at: moment) == moment.elapsed + 60_000)
    }

    @Test mutating func aSecretThatIsGoneIsForgotten() {
        clock.replace(with: [renewal("a", in: 0), renewal("b", in: 0)], at: moment)
        #expect(due() == ["a", "b"])
        clock.replace(with: [renewal("b", in: 0)], at: moment)
        #expect(clock.underWay == ["b"])
        #expect(clock.conclude(because: "x", at: moment) == ["b"])
        clock.replace(with: [], at: moment)
        #expect(clock.next(at: moment) == nil && clock.observed(isAttended: true) == nil)
    }
}

/// What the supervisor makes of reports, attendants and secrets' files.
@Suite struct SupervisorRenewalTests {
    let bench = Bench()

    private func renewal(_ secret: String, in milliseconds: Int64, last: Int64 = 1) -> ScheduledRenewal {
        ScheduledRenewal(secret: secret, due: bench.time + milliseconds, period: 3_600_000, last: last)
    }

    private func events() -> [String] {
        defer { bench.secretEvents = [] }
        return bench.secretEvents.map { "\($0.secret) \($0.services) \($0.kind)" }
    }

    @Test func aScheduleComesWithADeploymentAndStaysUntilTheNext() throws {
        let supervisor = bench.supervisor!
        bench.submit(.apply(Deployment(schedule: [renewal("key", in: 5000)])))
        bench.submit(.apply(Deployment()))
        #expect(bench.takeReplies() == ["done", "done"])
        #expect(supervisor.observe(supervisorPID: 1).schedule?.renewals.map(\.secret) == ["key"])
        #expect(supervisor.observe(supervisorPID: 1).schedule?.isAttended == false)
        // Nobody waits for it.
        bench.advance(6000)
        #expect(supervisor.nextRenewal == nil && !supervisor.handOutRenewals())
        supervisor.attend(failure: nil)
        #expect(supervisor.nextRenewal == bench.time)
        #expect(supervisor.handOutRenewals())
        #expect(supervisor.observe(supervisorPID: 1).schedule == ObservedSchedule(
            renewals: [renewal("key", in: -1000)], underWay: ["key"], isAttended: true))
        #expect(supervisor.nextRenewal == nil && !supervisor.handOutRenewals())
        bench.submit(.apply(Deployment(schedule: [])))
        #expect(supervisor.observe(supervisorPID: 1).schedule == nil)
    }

    @Test func outcomesAreToldWithTheServicesThatReadTheSecret() throws {
        bench.host.files = ["web": [.test("key", version: "2")], "api": [.test("key", version: "2"), .test("other")], "db": [.test("other")]]
        bench.up(.test("web"), .test("api"), .test("db"))
        try bench.supervisor.take(RenewalReport(
            outcomes: [.init("key", .rotated(version: 2)), .init("other", .refreshed(version: 4)), .init("key", .failed(reason: "no answer"))],
            schedule: [renewal("key", in: 1000, last: 2)]))
        #expect(events() == [
            #"key ["api", "web"] rotated(version: 2)"#, #"other ["api", "db"] refreshed(version: 4)"#,
            #"key ["api", "web"] failed(reason: "no answer")"#,
        ])
        // The schedule says when it is tried again.
        #expect(bench.supervisor.renewals.next(at: bench.supervisor.moment()) == bench.time + 1000)
    }

    @Test func withoutAScheduleAFailureIsTriedAgainAfterItsPause() throws {
        bench.supervisor.schedule([renewal("key", in: 0)])
        bench.supervisor.attend(failure: nil)
        #expect(bench.supervisor.handOutRenewals())
        try bench.supervisor.take(RenewalReport(outcomes: [.init("key", .failed(reason: "the store is locked"))]))
        #expect(bench.supervisor.renewals.underWay == [])
        bench.supervisor.attend(failure: nil)
        #expect(bench.supervisor.nextRenewal == bench.time + 60_000)
        #expect(events() == [#"key [] failed(reason: "the store is locked")"#])
    }

    @Test func whoEndsWithoutAWordHasFailed() {
        bench.supervisor.schedule([renewal("key", in: 0)])
        bench.supervisor.attend(failure: nil)
        #expect(bench.supervisor.handOutRenewals())
        bench.supervisor.attend(failure: "it was killed by signal 9")
        #expect(events() == [#"key [] failed(reason: "it was killed by signal 9")"#])
        #expect(bench.supervisor.observe(supervisorPID: 1).schedule?.renewals.first?.failure?.count == 1)
    }

    @Test func aSuccessorGoesOnWithTheSchedule() throws {
        bench.supervisor.schedule([renewal("key", in: 5000), renewal("other", in: 9000)])
        let record = bench.supervisor.record(bootID: "b")
        #expect(record.renewals?.map(\.renewal.secret) == ["key", "other"])
        let successor = Bench()
        successor.advance(2000)
        successor.supervisor.adopt(record, survivors: []) { _ in nil }
        successor.supervisor.attend(failure: nil)
        #expect(successor.supervisor.nextRenewal == bench.time + 5000)
        #expect(Bench().supervisor.record(bootID: "b").renewals == nil)
    }

    @Test func grantsUpdatesAndRevocationsAreTold() throws {
        bench.up(.test("web"))
        func write(_ file: MountedFile) {
            bench.submit(.apply(Deployment(
                operations: [.write(service: "web", file: file)],
                payloads: [.init(length: 0, files: [.init(service: "web", target: file.target)])])))
        }
        write(.test("key"))
        write(.test("key"))
        write(.test("key", version: "2"))
        var config = MountedFile.test("config")
        config.kind = .config
        write(config)
        bench.submit(.apply(Deployment(operations: [.removeFile(service: "web", file: .test("key", version: "2"))])))
        #expect(bench.takeReplies() == Array(repeating: "done", count: 5))
        #expect(events() == [
            #"key ["web"] granted(service: "web", target: "/run/secrets/key", version: "1")"#,
            #"key ["web"] updated(service: "web", target: "/run/secrets/key", version: "2")"#,
            #"key ["web"] revoked(service: "web", target: "/run/secrets/key")"#,
        ])
    }

    @Test(arguments: [
        ScheduledRenewal(secret: "../x", due: 1, period: 1000, last: 1), ScheduledRenewal(secret: "", due: 1, period: 1000, last: 1),
        ScheduledRenewal(secret: "a", due: 1, period: 0, last: 1), ScheduledRenewal(secret: "a", due: 1, period: .max, last: 1),
        ScheduledRenewal(secret: "a", due: .max, period: 1000, last: 1), ScheduledRenewal(secret: "a", due: -1, period: 1000, last: 1),
        ScheduledRenewal(secret: "a", due: 1, period: 1000, last: .min), ScheduledRenewal(secret: "a", due: 1, period: 1000, last: .max),
        ScheduledRenewal(secret: "a", due: 1, period: 1000, last: 1, failure: .init(count: 0, reason: "")),
        ScheduledRenewal(secret: "a", due: 1, period: 1000, last: 1, failure: .init(count: 1, reason: String(repeating: "x", count: 9000))),
    ])
    func aScheduleThatMakesNoSenseIsRefusedAndTheOldOneStays(renewal: ScheduledRenewal) {
        bench.supervisor.schedule([self.renewal("key", in: 5000)])
        bench.submit(.apply(Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 1)], schedule: [renewal])))
        #expect(bench.takeReplies().first?.hasPrefix("failed: ") == true && bench.calls() == [])
        #expect(throws: SupervisionError.self) { try bench.supervisor.take(RenewalReport(schedule: [renewal])) }
        #expect(bench.supervisor.observe(supervisorPID: 1).schedule?.renewals.map(\.secret) == ["key"])
    }

    @Test func aSecretThatIsScheduledTwiceIsRefused() {
        bench.submit(.apply(Deployment(schedule: [renewal("a", in: 1), renewal("a", in: 2)])))
        #expect(bench.takeReplies() == ["failed: a schedule has a secret twice"])
    }
}

@Suite struct EventHistoryTests {
    private func subject(_ number: Int) -> StackEvent.Subject {
        .instance(event: InstanceEvent(service: "web", index: number, kind: .created))
    }

    @Test func theLastEventsAreKeptInTheirOrder() {
        var history = EventHistory()
        for number in 0..<1000 { _ = history.add(subject(number), at: Int64(number)) }
        let kept = history.since(0)
        #expect(kept.map(\.subject) == (1000 - EventHistory.capacity..<1000).map(subject))
        #expect(history.since(kept[10].time) == Array(kept[10...]))
        #expect(history.since(.max) == [] && EventHistory().since(0) == [])
    }

    @Test func noTwoEventsHaveOneTimeWhateverTheClockSays() {
        var history = EventHistory()
        for time in [50, 50, 20, 60] as [Int64] { _ = history.add(subject(1), at: time) }
        #expect(history.since(0).map(\.time) == [50, 51, 52, 60])
    }
}
