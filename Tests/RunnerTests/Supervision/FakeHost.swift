import Glibc
import Reconciler

@testable import Runner

struct Refusal: Error, CustomStringConvertible {
    let description: String
}

/// An ``InstanceHost`` that writes down what it is told.
final class FakeHost: InstanceHost {
    var calls: [String] = []
    var files: [String: [MountedFile]] = [:]
    var contents: [String: [UInt8]] = [:]
    var refusals: [String: String] = [:]
    /// Files that cannot be written.
    var refusedTargets: Set<String> = []
    var plans: [String: LaunchPlan] = [:]
    var watched: [String] = []
    /// What is made for the first launch of a moment and kept for those that follow, as the real host's views are.
    private var view: StackSurroundings?
    /// What each launch was given to see.
    private(set) var views: [StackSurroundings] = []
    /// Of the last launch.
    var surroundings: StackSurroundings?
    /// With a real loop: what happens after each call.
    var onLaunch: (InstanceName) -> Void = { _ in }
    var onSignal: (InstanceName, Int32) -> Void = { _, _ in }
    var onRemoveGroups: () -> Void = {}
    private var lastPID: Int32 = 1000

    func launch(_ plan: LaunchPlan, in surroundings: StackSurroundings, as instance: InstanceName, for caller: InstanceCaller?) throws -> ProcessIdentity {
        if let reason = refusals[plan.service] {
            calls.append("refuse \(instance)")
            throw Refusal(description: reason)
        }
        lastPID += 1
        plans[instance.description] = plan
        let view = view ?? surroundings
        self.view = view
        self.surroundings = view
        views.append(view)
        calls.append("launch \(instance)\(caller == nil ? "" : " for its caller")")
        onLaunch(instance)
        return ProcessIdentity(pid: lastPID, startTime: UInt64(lastPID))
    }

    func endLaunches() { view = nil }

    func watch(_ paths: [String]) { watched = paths }

    func signal(_ instance: InstanceName, _ signal: Int32) {
        calls.append("signal \(instance) \(signal)")
        onSignal(instance, signal)
    }

    func run(_ command: InstanceCommand, in instance: InstanceName, as id: UInt64) throws {
        if let reason = refusals[command.arguments[0]] { throw Refusal(description: reason) }
        calls.append("run \(instance) \(command.arguments.joined(separator: " ")) as \(id)")
    }

    func end(command id: UInt64) { calls.append("end \(id)") }

    func freeze(_ instance: InstanceName) throws {
        if let reason = refusals["freeze"] { throw Refusal(description: reason) }
        calls.append("freeze \(instance)")
    }

    func thaw(_ instance: InstanceName) throws { calls.append("thaw \(instance)") }

    func groups(of instance: InstanceName) -> [String]? { nil }

    func removeGroups() {
        calls.append("remove groups")
        onRemoveGroups()
    }

    func forget(_ instance: InstanceName) { calls.append("forget \(instance)") }

    func mountedFiles(of service: String) -> [MountedFile]? { files[service] }

    func mountedFile(of service: String, at target: String) -> MountedFile? { files[service]?.first { $0.target == target } }

    func write(_ file: MountedFile, bytes: UnsafeRawBufferPointer, of service: String, instances: [Int32]) throws {
        if refusedTargets.contains(file.target) { throw Refusal(description: "\(file.target) has no place") }
        calls.append("write \(service) \(file.target)")
        contents["\(service)\(file.target)"] = Array(bytes)
        files[service, default: []].removeAll { $0.target == file.target }
        files[service, default: []].append(file)
    }

    func remove(_ file: MountedFile, of service: String, instances: [Int32]) throws {
        calls.append("remove \(service) \(file.target)")
        files[service]?.removeAll { $0.target == file.target }
    }

    func remask(_ paths: [String], pins: [String], of service: String, instance: Int32) {
        calls.append("remask \(service) \(paths.joined(separator: " "))")
    }

    func withAliases(_ paths: [String]) -> [String] { paths }

    func releaseMount(of service: String) { calls.append("release \(service)") }

    func discardMount(of service: String) {
        calls.append("discard \(service)")
        files[service] = nil
    }
}

extension LaunchPlan {
    static func test(
        _ service: String, after dependencies: [Dependency] = [], restart: Restart = .no, hash: String = "1", files: [MountedFile] = []
    ) -> LaunchPlan {
        LaunchPlan(
            service: service, configHash: hash, arguments: ["/bin/\(service)"], environment: ["PASSWORD=hunter2"], files: files,
            restart: restart, dependencies: dependencies)
    }
}

extension MountedFile {
    static func test(_ name: String, version: String = "1") -> MountedFile {
        MountedFile(kind: .secret, name: name, version: version, target: "/run/secrets/\(name)", uid: 0, gid: 0, mode: 0o444)
    }
}

/// A supervisor with a fake host and a clock that is set by hand.
final class Bench {
    let host = FakeHost()
    private(set) var time: Int64 = 1_000_000
    /// What somebody has set the clock to, beside the one that nobody sets.
    var clockShift: Int64 = 0
    private(set) var events: [String] = []
    var secretEvents: [SecretEvent] = []
    private(set) var replies: [String] = []
    var supervisor: StackSupervisor!

    init() {
        supervisor = StackSupervisor(
            host: host, now: { [unowned self] in time }, wallClock: { [unowned self] in time / 1000 },
            moment: { [unowned self] in .init(elapsed: time, wall: time + clockShift) })
        supervisor.onEvent = { [unowned self] in events.append(Self.text($0)) }
        supervisor.onSecretEvent = { [unowned self] in secretEvents.append($0) }
    }

    static func text(_ event: InstanceEvent) -> String {
        let name = event.index.map { "\(event.service)-\($0)" } ?? event.service
        return "\(name) \(event.kind)"
    }

    /// The calls since the last time.
    func calls() -> [String] {
        defer { host.calls = [] }
        return host.calls
    }

    func submit(_ request: ControlRequest, payload: LockedBuffer? = nil) {
        supervisor.submit(StackSupervisor.Job(request, payload: payload) { [unowned self] in note($0) })
    }

    func note(_ reply: ControlReply) {
        switch reply {
        case .done: replies.append("done")
        case .failed(let reason): replies.append("failed: \(reason)")
        default: replies.append("?")
        }
    }

    /// The replies since the last time.
    func takeReplies() -> [String] {
        defer { replies = [] }
        return replies
    }

    func advance(_ milliseconds: Int64) {
        time += milliseconds
        supervisor.handleDeadlines()
    }

    func name(_ text: String) -> InstanceName {
        let parts = text.split(separator: "-")
        return InstanceName(service: String(parts[0]), index: Int(parts[1])!)
    }

    func started(_ text: String...) { for text in text { supervisor.started(name(text)) } }
    func ended(_ text: String, _ code: Int32? = 0) { supervisor.ended(name(text), code: code) }
    func instance(_ text: String) -> Instance? { supervisor.instances[name(text)] }

    /// Brings up one instance of each plan.
    func up(_ plans: LaunchPlan...) {
        submit(.apply(Deployment(plans: plans, operations: plans.map { .create(service: $0.service, index: 1) })))
        for _ in plans {
            for plan in plans { started("\(plan.service)-1") }
        }
        _ = calls()
        _ = takeReplies()
    }
}

extension Dependency: ExpressibleByStringLiteral {
    public init(stringLiteral name: String) { self.init(name) }
}
