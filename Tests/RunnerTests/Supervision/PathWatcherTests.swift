import Glibc
import Linux
import Testing

@testable import Runner

@Suite struct PathWatcherTests {
    private let temporary = TemporaryDirectory()

    /// What the watcher says after `change`, as soon as it says something.
    private func replaced(watching names: [String], within milliseconds: Int64 = 30_000, _ change: (String) throws -> Void) throws -> [String] {
        let loop = try EventLoop()
        var found: [String] = []
        let watcher = try PathWatcher(loop: loop) { found += $0 }
        watcher.watch(names.map { "\(temporary.path)/\($0)" })
        try change(temporary.path)
        let end = MonotonicClock.now() + milliseconds
        try loop.run(nextDeadline: { end }, afterEvents: { if MonotonicClock.now() >= end || !found.isEmpty { loop.stop() } })
        withExtendedLifetime(watcher) {}
        return found.map { String($0.dropFirst(temporary.path.count + 1)) }
    }

    private func put(_ path: String) throws {
        try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600).writeAll([1])
    }

    @Test func aFileThatIsMadeOrMovedThereIsTold() throws {
        #expect(try replaced(watching: ["key", "other"]) { try put("\($0)/key") } == ["key"])
        let moved = try replaced(watching: ["key"]) { folder in
            try put("\(folder)/.new")
            rename("\(folder)/.new", "\(folder)/key")
        }
        #expect(moved == ["key"])
        #expect(try replaced(watching: ["link"]) { link("\($0)/key", "\($0)/link") } == ["link"])
    }

    @Test func whatIsWrittenInPlaceAndWhatLiesBesideIsNot() throws {
        try put("\(temporary.path)/key")
        let told = try replaced(watching: ["key", "none/key"], within: 100) { folder in
            try put("\(folder)/key")
            try put("\(folder)/beside")
        }
        #expect(told == [])
    }
}
