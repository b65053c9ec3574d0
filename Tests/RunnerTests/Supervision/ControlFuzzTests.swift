import CLinux
import Glibc
import JSON
import Linux
import Reconciler
import Testing
import Waiting

@testable import Runner

/// What comes over the control socket may be anything, in both directions.
@Suite(.serialized) struct ControlFuzzTests {
    // MARK: The supervisor's side

    private static func validMessages() throws -> [[UInt8]] {
        var deployment = Deployment(plans: [.test("web", files: [.test("key")])], operations: [.create(service: "web", index: 1)])
        deployment.payloads = [.init(length: 6, files: [.init(service: "web", target: "/run/secrets/key")])]
        let requests: [ControlRequest] = [
            .observe, .plan(service: "web"), .apply(deployment), .stop(services: ["web"], timeoutMilliseconds: 10), .start(services: nil),
            .restart(services: nil, timeoutMilliseconds: nil, dependents: true), .kill(services: ["web"], signal: 9), .pause(services: nil),
            .hasten(services: nil, timeoutMilliseconds: 5), .subscribe(since: 0), .provide([.test("web")], StackSurroundings()),
            .report(RenewalReport(outcomes: [.init("key", .rotated(version: 2))])),
        ]
        return requests.map { JSON.encode($0) }
    }

    private static func header(_ length: Int) -> [UInt8] { withUnsafeBytes(of: UInt32(truncatingIfNeeded: length).bigEndian) { Array($0) } }

    /// A frame that is wrong in some way, or right: then what it asks for is done.
    private static func frame(_ kind: Int, _ messages: [[UInt8]], _ random: inout SeededGenerator) -> [UInt8] {
        let message = messages.randomElement(using: &random)!
        switch kind {
        case 0: return random.bytes(Int.random(in: 1...64, using: &random))
        case 1: return header(message.count) + random.mutated(message) + random.bytes(8)
        case 2: return header(message.count + Int.random(in: -8...8, using: &random)) + message
        case 3: return header([0, 1, ControlLimits.message, ControlLimits.message + 1, Int(UInt32.max)].randomElement(using: &random)!) + message
        case 4:
            let deep = [UInt8](repeating: UInt8(ascii: "["), count: Int.random(in: 30...100_000, using: &random))
            return header(deep.count) + deep
        case 5:
            let text = #"{"request":"observe","services":\#(["1", "[1]", "{}", "\"web\"", "[\"\\u0000\"]", "[[]]"].randomElement(using: &random)!)}"#
            return header(text.utf8.count) + Array(text.utf8)
        case 6: return Array((header(message.count) + message).prefix(Int.random(in: 0...message.count, using: &random)))
        default:
            let mutated = random.mutated(message)
            return header(mutated.count) + mutated
        }
    }

    @Test(.timeLimit(.minutes(30))) func theSupervisorOutlivesWhateverIsSentToIt() throws {
        let stack = try ServedStack()
        let messages = try Self.validMessages()
        _ = try stack.connect().observe()
        let passed = try FileDescriptor.memory([], name: "passed-by-fuzz")
        // Who is slow, and who says nothing, holds up nobody.
        let slow = try stack.socket()
        try slow.writeAll([0, 0])
        try Fuzzing.rounds(kinds: 8) { kind, random in
            let socket = try stack.socket()
            let frame = Self.frame(kind, messages, &random)
            // Descriptors that nobody has asked for come along, at times more than there may be.
            let count = Int.random(in: 0...3, using: &random) == 0 ? Int.random(in: 1...8, using: &random) : 0
            let descriptors = [Int32](repeating: passed.number, count: count)
            let sent = frame.withUnsafeBytes { clinux_send(socket.number, $0.baseAddress, $0.count, descriptors, Int32(count)) }
            // Refused on the way is as good as read.
            if sent >= 0, Int.random(in: 0...2, using: &random) == 0 { shutdown(socket.number, Int32(SHUT_WR)) }
            if Int.random(in: 0...3, using: &random) == 0 {
                var answer = [UInt8](repeating: 0, count: 4096)
                _ = recv(socket.number, &answer, answer.count, Int32(MSG_DONTWAIT))
            }
            _ = consume socket
            let start = MonotonicClock.now()
            _ = try stack.connect().observe()
            #expect(MonotonicClock.now() - start < 30_000, "round \(kind) holds others up")
        }
        _ = consume slow
        let isClosed = try eventually {
            _ = try stack.connect().observe()
            return Fuzzing.descriptors(named: "passed-by-fuzz") == 1
        }
        #expect(isClosed)
        // It serves as before.
        try stack.connect().down()
        stack.join()
    }

    // MARK: The command's side

    @Test(.timeLimit(.minutes(30))) func aCommandOutlivesWhateverItIsAnswered() throws {
        let state = ObservedState(supervisorPID: 1)
        let replies: [ControlReply] = [
            .state(state), .plan(.test("web")), .event(InstanceEvent(service: "web", index: 1, kind: .started(pid: 7))), .done,
            .failed(reason: "no"), .due, .services(ObservedServices(inhabited: ["web"], holders: ["web"])),
        ]
        let messages = replies.map { JSON.encode($0) }
        let temporary = TemporaryDirectory()
        let directories = StackDirectories(runtime: "\(temporary.path)/run", logs: "\(temporary.path)/logs")
        try Fuzzing.rounds(kinds: 8) { kind, random in
            var ends: [Int32] = [-1, -1]
            try retryingInterrupts("socketpair") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
            let theirs = FileDescriptor(owning: ends[1])
            let client = SupervisorClient(directories, socket: FileDescriptor(owning: ends[0]))
            var answer: [UInt8] = []
            for _ in 0..<Int.random(in: 1...3, using: &random) { answer += Self.frame(kind, messages, &random) }
            // As much as the socket holds; then it is hung up.
            _ = answer.withUnsafeBytes { send(theirs.number, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)) }
            shutdown(theirs.number, Int32(SHUT_WR))
            do {
                switch Int.random(in: 0...5, using: &random) {
                case 0: _ = try client.observe()
                case 5: _ = try client.observeServices()
                case 1: _ = try client.plan(of: "web~000000000000")
                case 2: try client.stop()
                case 3: _ = try client.nextEvent()
                default: _ = try client.eventsByNow()
                }
            } catch {
                // A refusal that can be shown.
                #expect("\(error)".utf8.count < 1 << 20)
            }
        }
    }

    /// A supervisor that begins an answer, and never ends it.
    @Test func aCommandDoesNotWaitForEverForTheRestOfAnAnswer() throws {
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("socketpair") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        let theirs = FileDescriptor(owning: ends[1])
        let client = SupervisorClient(StackDirectories(runtime: "/nonexistent", logs: "/nonexistent"), socket: FileDescriptor(owning: ends[0]))
        client.answerPatience = 200
        try theirs.writeAll([0, 0, 1])
        let start = MonotonicClock.now()
        #expect(throws: SupervisionError.self) { try client.observe() }
        #expect(throws: SupervisionError.self) { try client.observe() }
        #expect(MonotonicClock.now() - start < 60_000)
    }
}
