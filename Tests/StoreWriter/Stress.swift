import Glibc
import Linux
import SecretMemory
import SecretStore

/// One of several processes that create, update, read and prune the same secrets for a time, and write down what they saw.
///
/// The protocol goes to standard output, a line for each thing that happened, with the monotonic clock's nanoseconds:
///
///     begin TIME NAME VALUE      a commit of this value begins
///     done TIME NAME VERSION VALUE   it is acknowledged
///     pruned TIME NAME VERSION   a commit that removed this version is acknowledged
///     read BEGIN END NAME VALUE  a read that began and ended then gave this value
///     absent BEGIN END NAME      a read found no such secret
struct Stress {
    let location: StoreLocation
    let number: Int
    /// What is written and read: few, so that processes meet.
    static let names = (0..<6).map { "shared_\($0)" }
    private var counter = 0

    init(_ location: StoreLocation, number: Int) {
        self.location = location
        self.number = number
    }

    mutating func run(seconds: Int) throws {
        var store = try open()
        let end = now() + Int64(seconds) * 1_000_000_000
        while now() < end {
            let name = Self.names.randomElement()!
            switch Int.random(in: 0..<100) {
            // A command opens the store anew; a long-lived process has it open.
            case 0..<10: store = try open()
            case 10..<25: try write(name, store)
            case 25..<32: try prune(name, store)
            default: try read(name, store)
            }
        }
    }

    private func open() throws -> SecretStore {
        guard let store = try SecretStore.open(location) else { throw StoreError.invalid("there is no store") }
        return store
    }

    /// A new version, or the first one.
    private mutating func write(_ name: String, _ store: SecretStore) throws {
        counter += 1
        let value = "value-\(number)-\(counter)-" + String(repeating: "x", count: Int.random(in: 0..<2000))
        var changes = StoreChanges()
        if try store.snapshot().secret(name) == nil {
            changes.createSecret(name, source: "stress", value: try secret(value))
        } else {
            changes.addVersion(of: name, source: "stress", value: try secret(value))
        }
        say("begin \(now()) \(name) \(value)")
        guard let newest = try Self.commit(changes, to: store)?.secret(name)?.newest.number else { return }
        say("done \(now()) \(name) \(newest) \(value)")
    }

    /// Nil where somebody else was quicker.
    private static func commit(_ changes: consuming StoreChanges, to store: SecretStore) throws -> StoreSnapshot? {
        do {
            return try store.commit(changes)
        } catch {
            switch error {
            case .secretExists, .noSuchVersion: return nil
            default: throw error
            }
        }
    }

    /// Removes an old version; the newest one stays.
    private func prune(_ name: String, _ store: SecretStore) throws {
        guard let versions = try store.snapshot().secret(name)?.versions.dropLast(), let victim = versions.randomElement()
        else { return }
        var changes = StoreChanges()
        changes.removeVersions([victim.number], of: name)
        if try Self.commit(changes, to: store) != nil { say("pruned \(now()) \(name) \(victim.number)") }
    }

    private func read(_ name: String, _ store: SecretStore) throws {
        let begin = now()
        guard let value = try Self.value(of: name, in: store) else {
            say("absent \(begin) \(now()) \(name)")
            return
        }
        say("read \(begin) \(now()) \(name) \(value)")
    }

    /// Nil where there is no such secret.
    private static func value(of name: String, in store: SecretStore) throws -> String? {
        guard try store.snapshot().secret(name) != nil else { return nil }
        let value = try store.read(name)
        return value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
    }

    /// At once and as a whole: this process may be killed.
    private func say(_ text: String) {
        let line = Array((text + "\n").utf8)
        Glibc.write(1, line, line.count)
    }

    private func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
