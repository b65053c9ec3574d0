import Reconciler
import Testing

@testable import Runner

/// Docker's rules of health, and the checks that come before their time.
@Suite struct HealthMonitorTests {
    private func monitor(retries: Int = 3, interval: Int64 = 1000, startPeriod: Int64 = 0, startInterval: Int64 = 5000) -> HealthMonitor {
        HealthMonitor(
            HealthCheck(
                arguments: ["/bin/check"], intervalMilliseconds: interval, retries: retries, startPeriodMilliseconds: startPeriod,
                startIntervalMilliseconds: startInterval),
            startedAt: 0)
    }

    private func outcome(_ code: Int32?, at time: Int64) -> HealthMonitor.Outcome { .init(exitCode: code, output: "", began: time) }

    @Test func theFirstSuccessMakesItHealthy() {
        var monitor = monitor()
        #expect(monitor.health.status == .starting)
        let isChanged = monitor.take(outcome(0, at: 50), at: 0)
        #expect(isChanged)
        #expect(monitor.health.status == .healthy)
    }

    @Test func soManyFailuresInARowMakeItUnhealthyAndOneSuccessHealthyAgain() {
        var monitor = monitor()
        _ = monitor.take(outcome(0, at: 50), at: 0)
        for (time, status) in [(1000, ObservedHealth.Status.healthy), (2000, .healthy), (3000, .unhealthy)] {
            _ = monitor.take(outcome(1, at: Int64(time)), at: 0)
            #expect(monitor.health.status == status)
        }
        let isChanged = monitor.take(outcome(0, at: 4000), at: 0)
        #expect(isChanged)
        #expect(monitor.health.status == .healthy)
        #expect(monitor.health.failures == 0)
    }

    @Test func aSuccessBetweenThemBeginsTheCountAnew() {
        var monitor = monitor(retries: 2)
        for (time, code) in [(1000, 1), (2000, 0), (3000, 1), (4000, 0), (5000, 1)] {
            _ = monitor.take(outcome(Int32(code), at: Int64(time)), at: 0)
            #expect(monitor.health.status != .unhealthy)
        }
    }

    @Test func failuresInTheStartPeriodDoNotCountUntilItWasHealthyOnce() {
        var monitor = monitor(retries: 1, startPeriod: 10_000)
        _ = monitor.take(outcome(1, at: 9000), at: 0)
        #expect(monitor.health.status == .starting)
        _ = monitor.take(outcome(0, at: 9500), at: 0)
        _ = monitor.take(outcome(1, at: 9900), at: 0)
        #expect(monitor.health.status == .unhealthy)
    }

    @Test func failuresCountOnceTheStartPeriodIsOver() {
        var monitor = monitor(retries: 1, startPeriod: 10_000)
        _ = monitor.take(outcome(1, at: 10_000), at: 0)
        #expect(monitor.health.status == .unhealthy)
    }

    @Test func checksBeforeTheFirstIntervalIsOverCanOnlySucceed() {
        var monitor = monitor(retries: 1)
        var time: Int64 = 0
        var times: [Int64] = []
        for _ in 0..<8 {
            time += monitor.pause(at: time)
            times.append(time)
            if time < 1000 {
                _ = monitor.take(outcome(1, at: time), at: 0)
                #expect(monitor.health.status == .starting)
            }
        }
        #expect(times.prefix(5) == [50, 150, 350, 750, 1000])
        _ = monitor.take(outcome(1, at: 1000), at: 0)
        #expect(monitor.health.status == .unhealthy)
    }

    @Test func afterSomeEarlyChecksTheIntervalIsWaitedFor() {
        var monitor = monitor(interval: 30_000)
        var time: Int64 = 0
        var times: [Int64] = []
        for _ in 0..<8 {
            time += monitor.pause(at: time)
            times.append(time)
            _ = monitor.take(outcome(1, at: time), at: 0)
        }
        #expect(times == [50, 150, 350, 750, 1550, 3150, 30_000, 60_000])
    }

    @Test func withinTheStartPeriodTheStartIntervalHolds() {
        var monitor = monitor(interval: 60_000, startPeriod: 20_000, startInterval: 2000)
        for time: Int64 in [50, 150, 350, 750, 1550, 3150] { _ = monitor.take(outcome(1, at: time), at: 0) }
        #expect(monitor.pause(at: 4000) == 2000)
        #expect(monitor.pause(at: 21_000) == 39_000)
        _ = monitor.take(outcome(0, at: 5000), at: 0)
        #expect(monitor.pause(at: 6000) == 60_000)
    }

    @Test func anIntervalOfNothingKeepsNoMachineBusy() {
        var monitor = monitor(interval: 0)
        _ = monitor.take(outcome(0, at: 0), at: 0)
        #expect(monitor.pause(at: 0) == 10)
    }
}
