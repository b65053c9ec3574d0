import Compose
import Glibc
import SecretMemory
import SecretStore
import Testing

@testable import Reconciler

/// When a secret is due follows from what a real store knows of it.
@Suite final class RenewalTimeTests {
    private let scratch: String
    private let store: SecretStore

    init() throws {
        var template = Array("/tmp/stackup-renewal-test.XXXXXX".utf8CString)
        scratch = String(cString: mkdtemp(&template)!)
        store = try SecretStore.openOrCreate(StoreLocation(directory: scratch + "/store", keyFile: scratch + "/key"))
        var changes = StoreChanges()
        for number in 0..<20 {
            changes.createSecret("s\(number)", source: "test", value: try SecretSourceReader.environmentValue("value", name: "X"))
        }
        try store.commit(changes)
    }

    deinit {
        var words: [UnsafeMutablePointer<CChar>?] = ["/bin/rm", "-rf", scratch].map { (word: String) in strdup(word) } + [nil]
        defer { words.forEach { free($0) } }
        var pid: pid_t = 0
        if posix_spawn(&pid, "/bin/rm", nil, nil, &words, nil) == 0 { waitpid(pid, nil, 0) }
    }

    private func secret(_ name: String = "s0") throws -> SecretMetadata { try #require(try store.snapshot().secret(name)) }

    private static let month: Int64 = 30 * 86_400
    private let monthly = SecretRenewal.rotate(every: month, .specification("password"))

    @Test func aSecretThatTheStoreLacksIsDueAtOnce() {
        #expect(RenewalTime.due(monthly, of: nil, at: 1000) == 1000)
    }

    @Test func itIsDueAfterItsPeriodGiveOrTakeATenth() throws {
        for name in try store.snapshot().secrets().map(\.name) {
            let secret = try secret(name)
            let made = secret.newest.createdAt
            let due = RenewalTime.due(monthly, of: secret, at: made + 5)
            #expect((made + Self.month * 9 / 10...made + Self.month * 11 / 10).contains(due))
            #expect(due == RenewalTime.due(monthly, of: secret, at: made + 50_000), "whoever asks, and whenever")
        }
    }

    @Test func notAllThatWereMadeTogetherAreDueTogether() throws {
        let times = try store.snapshot().secrets().map { RenewalTime.due(monthly, of: $0, at: $0.newest.createdAt) }
        #expect(Set(times).count > 15)
        #expect(times.max()! - times.min()! > Self.month / 50)
    }

    @Test func aClockThatWasPutBackMakesNobodyWaitForever() throws {
        let secret = try secret()
        let now = secret.newest.createdAt - 1_000_000_000
        #expect(RenewalTime.due(monthly, of: secret, at: now) <= now + Self.month * 11 / 10)
    }

    @Test func aSourceThatWasAskedIsNotAskedAgainTooSoon() throws {
        var changes = StoreChanges()
        changes.noteChecked(of: "s1")
        try store.commit(changes)
        let secret = try secret("s1")
        #expect(secret.checkedAt >= secret.newest.createdAt)
        #expect(RenewalTime.due(.refresh(every: 100), of: secret, at: secret.checkedAt) >= secret.checkedAt + 90)
    }

    @Test func failuresAreFollowedByPausesThatGrowUpToAnHour() throws {
        var pauses: [Int64] = []
        for _ in 0..<9 {
            var changes = StoreChanges()
            changes.noteFailure(of: "s2", reason: "the manager is down")
            try store.commit(changes)
            let secret = try secret("s2")
            let failure = try #require(secret.failure)
            pauses.append(RenewalTime.due(monthly, of: secret, at: failure.at) - failure.at)
        }
        for (pause, expected) in zip(pauses, [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600] as [Int64]) {
            #expect((expected * 9 / 10...expected * 11 / 10).contains(pause))
        }
        // Never longer than the period itself.
        let short = try #require(try secret("s2").failure)
        #expect(RenewalTime.due(.refresh(every: 10), of: try secret("s2"), at: short.at) <= short.at + 11)
    }

    @Test func noTimeOverflows() throws {
        let secret = try secret()
        for period in [1, Int64(10 * 366 * 86_400)] {
            for now in [0, Int64(1) << 40] { _ = RenewalTime.due(.refresh(every: period), of: secret, at: now) }
        }
        #expect(RenewalTime.pause(after: .max) == 3600)
        #expect(RenewalTime.pause(after: -5) == 60)
    }
}
