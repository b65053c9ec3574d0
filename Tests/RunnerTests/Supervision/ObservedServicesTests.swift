import Glibc
import JSON
import Linux
import Reconciler
import Testing

@testable import Runner

struct ObservedServicesTests {
    private static let file = MountedFile(kind: .secret, name: "key", version: "1", target: "/run/secrets/key", uid: 0, gid: 0, mode: 0o444)
    private static let oneOff = OneOff.key(service: "web", slug: "0123456789ab")

    private func state() -> ObservedState {
        ObservedState(
            supervisorPID: 7,
            instances: [("db", 1), ("web", 1), ("web", 2), (Self.oneOff, 1)].map { ObservedInstance(service: $0.0, index: $0.1, status: .running) },
            mounts: [ObservedMount(service: "web", files: [Self.file]), ObservedMount(service: Self.oneOff, files: [Self.file])])
    }

    private let services = ObservedServices(
        inhabited: ["db", "web", oneOff], holders: ["web"], oneOffMounts: [ObservedMount(service: oneOff, files: [file])])

    @Test func aStateSaysTheSame() throws {
        #expect(ObservedServices(state()) == services)
        #expect(services.replicated == ["db", "web"])
        #expect(try ObservedServices(json: JSONValue.parse(JSON.encode(services))) == services)
    }

    /// One that was started before stackup was updated.
    @Test func aSupervisorThatDoesNotKnowTheQuestionIsAskedForAll() throws {
        var ends: [Int32] = [-1, -1]
        try retryingInterrupts("socketpair") { socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) }
        let theirs = FileDescriptor(owning: ends[1])
        let client = SupervisorClient(StackDirectories(runtime: "/nonexistent", logs: "/nonexistent"), socket: FileDescriptor(owning: ends[0]))
        for reply in [ControlReply.failed(reason: "unknown"), .state(state())] {
            let bytes = JSON.encode(reply)
            try theirs.writeAll(withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes)
        }
        #expect(try client.observeServices() == services)
        var asked = [UInt8](repeating: 0, count: 4096)
        let count = recv(theirs.number, &asked, asked.count, Int32(MSG_DONTWAIT))
        let questions = String(decoding: asked.prefix(max(count, 0)), as: UTF8.self).split(separator: "{").dropFirst().compactMap { $0.split(separator: "}").first.map(String.init) }
        #expect(questions == [#""request":"list""#, #""request":"observe""#])
    }
}
