import Glibc
import Linux
import SecretStore
import Testing

@Suite struct ConcurrencyTests {
    let scratch = Scratch()

    @Test func writersTakeTurnsAndLoseNothing() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["shared": "value by nobody"])
        let writers = (0..<4).map { _ in Child.writer(scratch.location, "rotate", "shared", "25") }
        for writer in writers { #expect(writer.wait() == 0) }
        let versions = try #require(try store.snapshot().secret("shared")).versions
        #expect(versions.map(\.number) == Array(1...101))
        for writer in writers {
            let own = try versions.filter { try store.text("shared", version: $0.number) == "value by \(writer.pid)" }
            #expect(own.count == 25)
        }
    }

    @Test func whoRenewsTakesTurnsAndNobodyElseWaits() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one"])
        let second = try #require(try SecretStore.open(scratch.location))
        var waits = 0
        do {
            let hold = try store.holdRenewals { waits += 1 }
            #expect(waits == 0)
            try second.rotate("a", to: "two")
            #expect(try second.text("a") == "two")
            let waiter = Waiter(second)
            waiter.start()
            while !waiter.waits { usleep(1000) }
            #expect(!waiter.isDone)
            _ = withExtendedLifetime(hold) { usleep(20_000) }
            #expect(!waiter.isDone)
            _ = consume hold
            waiter.join()
            #expect(waiter.isDone)
        }
        _ = try store.holdRenewals { waits += 1 }
        #expect(waits == 0)
    }

    /// Another one who wants to renew, on a thread of its own.
    private final class Waiter: @unchecked Sendable {
        private let store: SecretStore
        private var thread = pthread_t()
        // Only ever set, by the one thread, and looked at by the other until they are.
        nonisolated(unsafe) private(set) var waits = false
        nonisolated(unsafe) private(set) var isDone = false

        init(_ store: SecretStore) { self.store = store }

        func start() {
            pthread_create(&thread, nil, { argument in
                let waiter = Unmanaged<Waiter>.fromOpaque(argument!).takeRetainedValue()
                _ = try? waiter.store.holdRenewals { waiter.waits = true }
                waiter.isDone = true
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        }

        func join() { pthread_join(thread, nil) }
    }

    @Test func aStoreMadeByManyAtOnceIsOneStore() throws {
        for _ in 0..<5 {
            let scratch = Scratch()
            let makers = (0..<4).map { _ in Child.writer(scratch.location, "create") }
            for maker in makers { #expect(maker.wait() == 0) }
            try SecretStore.openOrCreate(scratch.location).create(["a": "one"])
            #expect(scratch.configuration == ["key"])
        }
    }

    @Test func readersNeverWaitAndNeverSeeHalfOfAnything() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["rotating": "value by nobody", "quiet": "untouched"])
        let writers = [
            Child.writer(scratch.location, "rotate", "rotating", "100"),
            Child.writer(scratch.location, "flicker", "flickering", "100"),
        ]
        defer { for writer in writers { #expect(writer.wait() == 0) } }
        var found = 0
        var rounds = 0
        // On a busy machine the writers may need longer to begin.
        while rounds < 2000 || found == 0 && rounds < 100_000 {
            rounds += 1
            // Without a new snapshot: what it reads may long be swept away.
            do {
                #expect(try store.text("flickering").hasPrefix("flickering "))
                found += 1
            } catch StoreError.noSuchSecret {
            }
            #expect(try store.text("rotating").hasPrefix("value by "))
            #expect(try store.text("quiet") == "untouched")
        }
        #expect(found > 0)
    }

    @Test func aReaderDoesNotWaitForAWriterThatHangs() throws {
        try SecretStore.openOrCreate(scratch.location).create(["a": "one"])
        let lock = try FileDescriptor.open(scratch.location.directory + "/lock", O_RDWR)
        #expect(flock(lock.number, LOCK_EX) == 0)
        #expect(try SecretStore.open(scratch.location)?.text("a") == "one")
        #expect(try SecretStore.open(scratch.location)?.snapshot().secretCount == 1)
    }

    @Test func aSnapshotStaysAsItWas() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one"])
        let before = try store.snapshot()
        let other = try #require(try SecretStore.open(scratch.location))
        try other.rotate("a", to: "two")
        #expect(before.secret("a")?.newest.number == 1)
        #expect(try store.snapshot().secret("a")?.newest.number == 2)
        #expect(try store.text("a") == "two")
    }
}
