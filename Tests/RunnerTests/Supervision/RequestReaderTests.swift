import Glibc
import JSON
import Linux
import Reconciler
import Testing

@testable import Runner

/// Two connected sockets: a test writes to one end, the reader reads from the other.
final class Wire {
    let near: FileDescriptor
    private(set) var far: FileDescriptor?

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0)
        near = FileDescriptor(owning: ends[0])
        far = FileDescriptor(owning: ends[1])
        number = ends[1]
    }

    let number: Int32

    func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }

    func hangUp() { far = nil }

    static func frame(_ json: String) -> [UInt8] {
        withUnsafeBytes(of: UInt32(json.utf8.count).bigEndian) { Array($0) } + Array(json.utf8)
    }

    static func frame(_ request: ControlRequest) throws -> [UInt8] {
        frame(String(decoding: JSON.encode(request), as: UTF8.self))
    }
}

extension RequestReader.Outcome {
    var text: String {
        switch self {
        case .request(let request, let payload): "\(request)" + (payload.map { " \(String(decoding: $0.bytes, as: UTF8.self))" } ?? "")
        case .refused(let reason): "refused: \(reason)"
        case .incomplete: "incomplete"
        case .closed: "closed"
        case .broken(let reason): "broken: \(reason)"
        }
    }
}

@Suite final class RequestReaderTests {
    let wire = Wire()
    var reader = RequestReader()

    private func outcome() -> String { reader.read(from: wire.near.number).text }

    @Test func aRequestArrivesByteByByte() throws {
        for byte in try Wire.frame(.stop(services: ["web"], timeoutMilliseconds: 5)) {
            #expect(outcome() == "incomplete")
            wire.send([byte])
        }
        #expect(outcome() == #"stop(services: Optional(["web"]), timeoutMilliseconds: Optional(5), byHost: false)"#)
        #expect(!reader.isInsideMessage)
    }

    @Test func twoRequestsAtOnceAreReadOneByOne() throws {
        wire.send(try Wire.frame(.observe) + Wire.frame(.subscribe(since: nil)))
        #expect(outcome() == "observe")
        #expect(outcome() == "subscribe(since: nil)")
        wire.hangUp()
        #expect(outcome() == "closed")
    }

    @Test func aPayloadIsKeptApartAndWhatFollowsIsTheNextRequest() throws {
        let deployment = Deployment(payloads: [.init(length: 3, files: []), .init(length: 2, files: [])])
        wire.send(try Wire.frame(.apply(deployment)) + Array("abcde".utf8) + Wire.frame(.observe))
        #expect(outcome().hasSuffix(" abcde"))
        #expect(outcome() == "observe")
    }

    @Test func aPayloadThatEndsTooEarlyIsNoRequest() throws {
        wire.send(try Wire.frame(.apply(Deployment(payloads: [.init(length: 3, files: [])]))) + [1, 2])
        #expect(outcome() == "incomplete")
        wire.hangUp()
        #expect(outcome() == "closed")
    }

    @Test func aMessageOfAnyNumberOfSmallValuesTakesNoMoreMemoryThanThatOfManyServices() throws {
        let text = Array(#"{"request":[0"#.utf8) + [UInt8](repeating: 0, count: ControlLimits.values).flatMap { _ in Array(#",0"#.utf8) } + Array("]}".utf8)
        let frame = withUnsafeBytes(of: UInt32(text.count).bigEndian) { Array($0) } + text
        var last = ""
        for start in stride(from: 0, to: frame.count, by: 1 << 16) {
            wire.send(Array(frame[start..<min(start + 1 << 16, frame.count)]))
            last = outcome()
        }
        #expect(last.hasPrefix("broken: ") && last.contains("more values than may be"))
    }

    @Test func everyRequestSurvivesTheWire() throws {
        let requests: [ControlRequest] = [
            .observe, .subscribe(since: nil), .subscribe(since: 5), .attend(failure: nil), .attend(failure: "status 1"),
            .report(RenewalReport(
                outcomes: [.init("a", .rotated(version: 2)), .init("b", .refreshed(version: 3)), .init("c", .failed(reason: "no"))],
                schedule: [ScheduledRenewal(secret: "a", due: 9, period: 1000, last: 3, failure: .init(count: 2, reason: "no"))])),
            .report(RenewalReport()), .apply(Deployment(schedule: [])),
            .provide([.test("web", restart: .onFailure(maximumRetries: 3))], StackSurroundings(serviceNames: ["web"], privatePaths: ["/m"], plaintextSources: ["/s"], hiddenPaths: ["/h"])), .start(services: nil),
            .stop(services: nil, timeoutMilliseconds: nil, byHost: true),
            .restart(services: ["a", "b"], timeoutMilliseconds: 0), .kill(services: nil, signal: 9), .hasten(services: ["a"], timeoutMilliseconds: 5),
            .down(services: nil, timeoutMilliseconds: nil),
            .apply(Deployment(
                plans: [.test("web")],
                operations: [
                    .create(service: "web", index: 1), .recreate(service: "web", index: 2), .start(service: "w", index: 3), .hold(service: "w", index: 2), .remove(service: "w", index: 4),
                    .write(service: "web", file: .test("a")), .removeFile(service: "web", file: .test("b")), .signal(service: "web", signal: 1),
                    .restart(service: "web"),
                ], masks: [MaskedFile(path: "/x", identity: "1:2")])),
        ]
        for request in requests { #expect(try JSON.decode(ControlRequest.self, from: JSON.encode(request)) == request) }
    }

    @Test(arguments: [
        #"{"request":"dance"}"#, #"{"request":"stop","servces":["web"]}"#, #"{"request":7}"#, #"{}"#, #"{"request":"stop","services":"web"}"#,
        #"{"request":"stop","timeoutMilliseconds":-1}"#, #"{"request":"stop","timeoutMilliseconds":9223372036854775807}"#,
        #"{"request":"kill","signal":0}"#, #"{"request":"kill"}"#, #"{"request":"apply","deployment":{}}"#,
        #"{"request":"apply","deployment":{"plans":[],"operations":[{"fly":{}}],"payloads":[],"masks":[]}}"#,
        #"{"request":"apply","deployment":{"plans":[],"operations":[],"payloads":[{"length":-1,"files":[]}],"masks":[]}}"#,
        #"{"request":"apply","deployment":{"plans":[],"operations":[],"payloads":[{"length":9999999,"files":[]}],"masks":[]}}"#,
    ])
    func whatIsNoRequestIsRefusedAndTheConnectionGoesOn(json: String) throws {
        wire.send(Wire.frame(json) + (try Wire.frame(.observe)))
        #expect(outcome().hasPrefix("refused: "))
        #expect(outcome() == "observe")
    }

    @Test(arguments: [
        [0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0], [0, 0, 0, 1], Wire.frame("hello"), Wire.frame("[]"),
        Wire.frame(String(repeating: "[", count: 5000)), Wire.frame(#"{"request":"observe","payload":-1}"#),
        Wire.frame(#"{"request":"observe","payload":99999999999}"#), Wire.frame(#"{"request":"observe","payload":"1"}"#),
        Wire.frame(#"{"request":"observe","payload":5}"#), Wire.frame(#"{"request":"dance","payload":5}"#),
    ] as [[UInt8]])
    func whatCannotBeFollowedEndsTheConnection(bytes: [UInt8]) {
        wire.send(bytes)
        #expect(outcome().hasPrefix("broken: "))
    }

    @Test(arguments: [
        (#"{"request":"stop","services":["web",7]}"#, "services.1"), (#"{"request":"kill"}"#, "signal"), ("{}", "request"),
        (#"{"request":"apply","deployment":{"plans":[],"operations":[],"payloads":[{"length":"1","files":[]}],"masks":[]}}"#, "deployment.payloads.0.length"),
        (#"{"request":"provide","plans":[{"service":"web","replicas":1,"configHash":5}],"surroundings":{}}"#, "plans.0.configHash"),
    ])
    func aRefusalSaysWhereTheRequestIsWrong(json: String, place: String) {
        wire.send(Wire.frame(json))
        #expect(outcome() == "refused: the request is not understood at '\(place)'")
    }

    @Test func aRefusalNeverRepeatsWhatWasSent() {
        wire.send(Wire.frame(#"{"request":"provide","plans":[{"service":"web","environment":["PASSWORD=hunter2"],"arguments":"hunter2"}]}"#))
        let text = outcome()
        #expect(text.hasPrefix("refused: ") && !text.contains("hunter2"))
    }

    @Test func noiseNeverCrashesTheReader() throws {
        var generator = SystemRandomNumberGenerator()
        let valid = try Wire.frame(.apply(Deployment(plans: [.test("web")], operations: [.create(service: "web", index: 1)])))
        for _ in 0..<3000 {
            let wire = Wire()
            var reader = RequestReader()
            var bytes = valid
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let place = Int.random(in: 2..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = .random(in: .min ... .max, using: &generator)
                case 1: bytes.remove(at: place)
                default: bytes.insert(.random(in: .min ... .max, using: &generator), at: place)
                }
            }
            wire.send(bytes)
            wire.hangUp()
            for _ in 0..<20 {
                let text = reader.read(from: wire.near.number).text
                if text == "closed" || text.hasPrefix("broken") { break }
            }
        }
    }
}
