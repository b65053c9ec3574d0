import Glibc
import SecretStore
import Testing

/// Eight processes that create, update, read and prune the same secrets, some of which are killed at it.
///
/// `STACKUP_STRESS_SECONDS` says for how long; a minute is what the store is meant to stand.
@Suite struct StressTests {
    static let seconds = getenv("STACKUP_STRESS_SECONDS").flatMap { Int(String(cString: $0)) } ?? 4

    /// What the processes wrote down, secret by secret.
    struct Observations {
        struct Read {
            let begin, end: Int64
            /// nil: there was no such secret.
            let value: Substring?
        }

        var begun: Set<Substring> = []
        var acknowledged: [(time: Int64, version: Int, value: Substring)] = []
        var pruned: [Int] = []
        var reads: [Read] = []

        static func parse(_ text: String) -> [String: Observations] {
            var secrets: [String: Observations] = [:]
            // A line without an end is of a process that was killed at it.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                let words = line.split(separator: " ")
                func number(_ position: Int) -> Int64 { Int64(words[position])! }
                switch words.first {
                case "begin": secrets[String(words[2]), default: .init()].begun.insert(words[3])
                case "done": secrets[String(words[2]), default: .init()].acknowledged.append((number(1), Int(number(3)), words[4]))
                case "pruned": secrets[String(words[2]), default: .init()].pruned.append(Int(number(3)))
                case "read": secrets[String(words[3]), default: .init()].reads.append(.init(begin: number(1), end: number(2), value: words[4]))
                case "absent": secrets[String(words[3]), default: .init()].reads.append(.init(begin: number(1), end: number(2), value: nil))
                default: Issue.record("\(line)")
                }
            }
            return secrets
        }
    }

    @Test func nothingIsLostAndEveryReadIsOfWhatWasTheNewestValue() throws {
        let scratch = Scratch()
        _ = try SecretStore.openOrCreate(scratch.location)
        var outputs: [String] = []
        func start() -> Child {
            outputs.append(scratch.path + "/protocol-\(outputs.count)")
            return Child.writer(scratch.location, "stress", "\(outputs.count)", "\(Self.seconds)", output: outputs.last!)
        }
        var processes = (0..<8).map { _ in start() }
        // Now and then one of them is killed, at any moment of whatever it does, and another takes its place.
        for _ in 0..<Self.seconds {
            usleep(.random(in: 200_000..<900_000))
            let victim = Int.random(in: processes.indices)
            processes[victim].kill()
            // On a busy machine its time may be over before.
            #expect([-SIGKILL, 0].contains(processes[victim].wait()))
            processes[victim] = start()
        }
        for process in processes { #expect(process.wait() == 0) }

        let text = outputs.map { String(decoding: scratch.bytes(of: $0), as: UTF8.self) }
        var secrets: [String: Observations] = [:]
        for (name, part) in text.flatMap({ Observations.parse($0) }) {
            secrets[name, default: .init()].begun.formUnion(part.begun)
            secrets[name, default: .init()].acknowledged += part.acknowledged
            secrets[name, default: .init()].pruned += part.pruned
            secrets[name, default: .init()].reads += part.reads
        }
        let store = try #require(try SecretStore.open(scratch.location))
        #expect(try store.snapshot().secrets().map(\.name) == secrets.filter { !$0.value.acknowledged.isEmpty }.keys.sorted())
        let log = try store.log().filter(\.isDone)
        for (name, seen) in secrets {
            try expectNothingLost(name, seen, store, log.map(\.event).filter { $0.secret == name })
            expectFreshReads(name, seen)
        }
        let reads = secrets.values.flatMap(\.reads)
        let slowest = reads.map { $0.end - $0.begin }.max() ?? 0
        print("\(outputs.count) processes in \(Self.seconds) s: \(secrets.values.map(\.acknowledged.count).reduce(0, +)) commits of new values, "
            + "\(secrets.values.map(\.pruned.count).reduce(0, +)) versions pruned, \(reads.count) reads, the slowest in \(slowest / 1_000_000) ms")
        #expect(reads.count > 100)
    }

    /// Every acknowledged commit is there, with its value, and what is not there was pruned. The log says the same.
    private func expectNothingLost(_ name: String, _ seen: Observations, _ store: SecretStore, _ log: [AuditEvent]) throws {
        let versions = try #require(try store.snapshot().secret(name)).versions
        let numbers = Set(versions.map(\.number))
        let pruned = Set(log.filter { $0.kind == .pruned }.compactMap(\.version))
        #expect(log.filter { $0.kind == .created || $0.kind == .updated }.compactMap(\.version) == Array(1...versions.last!.number))
        #expect(numbers.union(pruned) == Set(1...versions.last!.number))
        #expect(numbers.isDisjoint(with: pruned))
        #expect(pruned.isSuperset(of: seen.pruned))
        #expect(Set(seen.acknowledged.map(\.version)).count == seen.acknowledged.count)
        for (_, version, value) in seen.acknowledged {
            #expect(version <= versions.last!.number)
            if numbers.contains(version) { #expect(try store.text(name, version: version) == value) }
        }
        for number in numbers {
            let value = try store.text(name, version: number)
            #expect(seen.begun.contains(Substring(value)))
        }
    }

    /// Every read is of a value that was committed, and not of an older one than was acknowledged, or read, before it began.
    private func expectFreshReads(_ name: String, _ seen: Observations) {
        let version = Dictionary(seen.acknowledged.map { ($0.value, $0.version) }, uniquingKeysWith: { $1 })
        var known = seen.acknowledged.map { (time: $0.time, version: $0.version) }
        for read in seen.reads {
            guard let value = read.value else { continue }
            #expect(seen.begun.contains(value), "\(name): \(value.prefix(40)) was never written")
            // Of a writer that was killed before it could say so, the number is not known.
            if let number = version[value] { known.append((read.end, number)) }
        }
        known.sort { $0.time < $1.time }
        var position = 0
        var newest = 0
        for read in seen.reads.sorted(by: { $0.begin < $1.begin }) {
            while position < known.count, known[position].time <= read.begin {
                newest = max(newest, known[position].version)
                position += 1
            }
            guard let value = read.value else {
                #expect(newest == 0, "\(name) was there, and was not found")
                continue
            }
            if let number = version[value] { #expect(number >= newest, "\(name): version \(number) was read when \(newest) was known") }
        }
    }
}
