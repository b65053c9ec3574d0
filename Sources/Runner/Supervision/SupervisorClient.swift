import CLinux
import Glibc
import JSON
import Linux
import Reconciler

/// A command's connection to the supervisor of a running stack.
///
/// One request at a time; a subscription takes the connection for itself.
public final class SupervisorClient {
    let directories: StackDirectories
    private let socket: FileDescriptor
    /// Where a supervisor that was just started says why it could not.
    private let complaints: FileDescriptor?
    /// What was asked and has not been answered.
    private var question: ControlRequest?
    /// Called about ten times a second while a request is carried out and nothing happens.
    public var onWait: () -> Void = {}

    init(_ directories: StackDirectories, socket: consuming FileDescriptor, complaints: consuming FileDescriptor? = nil) {
        self.directories = directories
        self.socket = socket
        self.complaints = complaints
    }

    /// Connects to the supervisor of a stack.
    /// - Returns: nil where none runs, whatever it may have left behind.
    /// - Throws: ``SupervisionError`` where the directory or who listens there is not to be trusted.
    public static func connect(_ directories: StackDirectories) throws(SupervisionError) -> SupervisorClient? {
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false) else { return nil }
        guard let socket = try ControlSocket.connect(directory) else { return nil }
        return SupervisorClient(directories, socket: socket)
    }

    /// Readable when an event of a subscription is there, for a caller with a poll(2) of its own.
    public var descriptor: Int32 { socket.number }

    // MARK: Requests

    /// Asks for the state, for a caller with other work to do while it is put together: ``observe()`` takes the answer.
    /// To be followed by no other request.
    public func askForState() throws(SupervisionError) {
        try ask(.observe)
    }

    /// Asks for the services, likewise: ``observeServices()`` takes the answer.
    public func askForServices() throws(SupervisionError) {
        try ask(.list)
    }

    private func ask(_ question: ControlRequest) throws(SupervisionError) {
        try send(question)
        self.question = question
    }

    /// What runs, and what the secret mounts hold.
    public func observe() throws(SupervisionError) -> ObservedState {
        guard case .state(let state) = try answer(to: .observe) else { throw .malformed("another answer than the state") }
        return state
    }

    /// Which services there are.
    public func observeServices() throws(SupervisionError) -> ObservedServices {
        switch try answer(to: .list) {
        case .services(let services): return services
        // It is of a version that doesn't know the question.
        case .failed: return ObservedServices(try observe())
        default: throw .malformed("another answer than the services")
        }
    }

    private func answer(to question: ControlRequest) throws(SupervisionError) -> ControlReply {
        if self.question != question { try ask(question) }
        self.question = nil
        return try receive(within: answerPatience)
    }

    /// How a one-off was launched.
    ///
    /// - Parameter service: its key.
    /// - Throws: ``SupervisionError/refused(_:)`` where that is not known: a supervisor that has adopted it was not told.
    public func plan(of service: String) throws(SupervisionError) -> LaunchPlan {
        try send(.plan(service: service))
        switch try receive(within: answerPatience) {
        case .plan(let plan): return plan
        case .failed(let reason): throw .refused(reason)
        default: throw .malformed("another answer than a plan")
        }
    }

    /// Gives a supervisor that has adopted the stack of a dead one the plans that restarts need.
    public func provide(
        _ plans: [LaunchPlan], _ surroundings: StackSurroundings, onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws(SupervisionError) {
        try request(.provide(plans, surroundings), onEvent)
    }

    /// Applies a deployment; returns when all of it is done.
    ///
    /// - Parameters: as ``begin(_:descriptors:payload:)``.
    ///   - onEvent: hears what happens on the way.
    /// - Throws: as ``begin(_:descriptors:payload:)`` and ``finish(_:)``.
    public func apply(
        _ deployment: Deployment, descriptors: [Int32] = [],
        payload: (_ position: Int, _ send: (UnsafeRawBufferPointer) throws -> Void) throws -> Void = { _, _ in },
        onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws {
        try begin(deployment, descriptors: descriptors, payload: payload)
        try finish(onEvent)
    }

    /// Has a deployment applied, without waiting for it: for a caller who has others to send first. ``finish(_:)`` waits.
    ///
    /// - Parameters:
    ///   - descriptors: those of the deployment's caller, if it has one: standard input, output and error, where there is to be no
    ///     terminal, and a socket. Over that comes the terminal's master, and at the end the wait status, an `int`.
    ///   - payload: called for each of `deployment.payloads`, in order, with its position and a function that
    ///     takes its bytes, straight from where they are kept; they are copied nowhere but into the socket, small
    ///     ones by way of locked memory that is wiped.
    /// - Throws: what `payload` throws: then nothing is applied, and the connection is of no more use.
    public func begin(
        _ deployment: Deployment, descriptors: [Int32] = [],
        payload: (_ position: Int, _ send: (UnsafeRawBufferPointer) throws -> Void) throws -> Void = { _, _ in }
    ) throws {
        do {
            try send(.apply(deployment), descriptors)
            let gathered = try GatheredBytes { try self.sendAll($0) }
            for (position, part) in deployment.payloads.enumerated() where part.length > 0 {
                var sent = 0
                try payload(position) { bytes in
                    sent += bytes.count
                    guard sent <= part.length else { throw SupervisionError.malformed("more bytes than announced for payload \(position)") }
                    try gathered.append(bytes)
                }
                guard sent == part.length else { throw SupervisionError.malformed("fewer bytes than announced for payload \(position)") }
            }
            try gathered.flush()
        } catch let error as SupervisionError where error.isLostConnection {
            // It hung up in the middle of it: perhaps it said why.
            try finish()
            throw error
        }
    }

    /// Stops instances in reverse dependency order.
    /// - Parameters:
    ///   - services: nil for all.
    ///   - timeoutMilliseconds: how long each may take before it is killed; nil: the service's own.
    ///   - byHost: whether they stop because the host does: then ``StoppedServices`` has none of them.
    public func stop(
        services: [String]? = nil, timeoutMilliseconds: Int64? = nil, byHost: Bool = false, onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws(SupervisionError) {
        try request(.stop(services: services, timeoutMilliseconds: timeoutMilliseconds, byHost: byHost), onEvent)
    }

    /// Starts instances that do not run, in dependency order.
    public func start(services: [String]? = nil, onEvent: (InstanceEvent) -> Void = { _ in }) throws(SupervisionError) {
        try request(.start(services: services), onEvent)
    }

    /// Stops and starts instances.
    ///
    /// - Parameter dependents: whether services that depend on these and ask for it are restarted with them.
    public func restart(
        services: [String]? = nil, timeoutMilliseconds: Int64? = nil, dependents: Bool = false, onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws(SupervisionError) {
        try request(.restart(services: services, timeoutMilliseconds: timeoutMilliseconds, dependents: dependents), onEvent)
    }

    /// Sends a signal, at once, whatever else is going on.
    public func kill(
        services: [String]? = nil, signal: Int32 = SIGKILL, onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws(SupervisionError) {
        try request(.kill(services: services, signal: signal), onEvent)
    }

    /// Freezes the running instances of services, at once; nil: of all.
    public func pause(services: [String]? = nil, onEvent: (InstanceEvent) -> Void = { _ in }) throws(SupervisionError) {
        try request(.pause(services: services), onEvent)
    }

    /// Lets frozen instances go on, at once.
    public func unpause(services: [String]? = nil, onEvent: (InstanceEvent) -> Void = { _ in }) throws(SupervisionError) {
        try request(.unpause(services: services), onEvent)
    }

    /// Gives instances that are being ended no more than this time from now on, at once, whatever else is going on.
    /// - Parameters:
    ///   - services: nil for all.
    ///   - timeoutMilliseconds: nil: each service's own grace period.
    ///   - onEvent: hears of each that is stopping.
    public func hasten(
        services: [String]? = nil, timeoutMilliseconds: Int64? = nil, onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws(SupervisionError) {
        try request(.hasten(services: services, timeoutMilliseconds: timeoutMilliseconds), onEvent)
    }

    func request(_ request: ControlRequest, _ onEvent: (InstanceEvent) -> Void) throws(SupervisionError) {
        try send(request)
        try finish(onEvent)
    }

    /// Hands on events until the request is done.
    ///
    /// - Throws: ``SupervisionError/refused(_:)`` with what did not work, one line each.
    public func finish(_ onEvent: (InstanceEvent) -> Void = { _ in }) throws(SupervisionError) {
        while true {
            var reply = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
            while poll(&reply, 1, 100) == 0 { onWait() }
            switch try receive() {
            case .event(let event): onEvent(event)
            case .done: return
            case .failed(let reason): throw .refused(reason)
            case .state, .services, .plan, .happened, .due: throw .malformed("an answer that was not asked for")
            }
        }
    }

    // MARK: Bytes

    func send(_ request: ControlRequest, _ descriptors: [Int32] = []) throws(SupervisionError) {
        let bytes = JSON.encode(request)
        var frame = withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) }
        frame += bytes
        do {
            try frame.withUnsafeBytes { try sendAll($0, descriptors) }
        } catch let error as SupervisionError {
            // A supervisor that could not start has said why.
            if error.isLostConnection, let reason = complaint() { throw .notStarted(reason: reason) }
            throw error
        } catch {
            throw .lostConnection(to: directories)
        }
    }

    /// - Parameter descriptors: come with the first byte.
    private func sendAll(_ bytes: UnsafeRawBufferPointer, _ descriptors: [Int32] = []) throws(SupervisionError) {
        var sent = 0
        let end = MonotonicClock.now() + Int64(answerPatience)
        while sent < bytes.count {
            try wait(for: Int16(POLLOUT), until: end)
            let count = clinux_send(
                socket.number, bytes.baseAddress! + sent, bytes.count - sent, descriptors, sent == 0 ? Int32(descriptors.count) : 0)
            if count >= 0 {
                sent += count
            } else if errno == EPIPE || errno == ECONNRESET {
                throw .lostConnection(to: directories)
            } else if errno != EINTR && errno != EAGAIN {
                throw .system(SystemCallError("send", "the control socket"))
            }
        }
    }

    /// In milliseconds: how long a supervisor may take for what it answers at once, and for the rest of a message that it has begun, or to
    /// take ours. It never waits for anything itself: one that takes longer hangs, or is none.
    var answerPatience: Int32 = 60_000

    /// - Parameter patience: until the message begins; negative: however long that takes.
    func receive(within patience: Int32 = -1) throws(SupervisionError) -> ControlReply {
        let length = try receive(count: 4, within: patience).reduce(0) { $0 << 8 | Int($1) }
        guard length <= ControlLimits.outgoing else { throw .malformed("a message of \(length) bytes") }
        let bytes = try receive(count: length, within: answerPatience)
        do {
            return try ControlReply(json: try JSONValue.parse(bytes))
        } catch {
            throw .malformed("\(error)")
        }
    }

    /// - Parameter patience: for the first byte; the others may take ``answerPatience`` together.
    private func receive(count: Int, within patience: Int32) throws(SupervisionError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        var end = patience < 0 ? nil : MonotonicClock.now() + Int64(patience)
        while filled < count {
            // Most often it is there: a command that stops a thousand services hears of each several times.
            let received = bytes.withUnsafeMutableBytes { recv(socket.number, $0.baseAddress! + filled, count - filled, Int32(MSG_DONTWAIT)) }
            if received > 0 {
                filled += received
                end = end ?? MonotonicClock.now() + Int64(answerPatience)
            } else if received == 0 || errno == ECONNRESET {
                if let reason = complaint() { throw .notStarted(reason: reason) }
                throw .lostConnection(to: directories)
            } else if errno == EAGAIN {
                try wait(for: Int16(POLLIN), until: end)
            } else if errno != EINTR {
                throw .system(SystemCallError("recv", "the control socket"))
            }
        }
        return bytes
    }

    /// - Throws: ``SupervisionError`` where it is not so at that time; nil: however long it takes.
    private func wait(for readiness: Int16, until end: Int64?) throws(SupervisionError) {
        while true {
            var state = pollfd(fd: socket.number, events: readiness, revents: 0)
            let left = end.map { Int32(clamping: max($0 - MonotonicClock.now(), 0)) } ?? -1
            let ready = poll(&state, 1, left)
            if ready > 0 { return }
            if ready == 0 { throw .system(SystemCallError("wait for the supervisor", "the control socket", code: ETIMEDOUT)) }
        }
    }

    /// What a supervisor that was just started said before it ended.
    private func complaint() -> String? {
        guard let bytes = Self.rest(of: complaints), !bytes.isEmpty else { return nil }
        return String(decoding: bytes.split(separator: 10).last ?? [], as: UTF8.self)
    }

    private static func rest(of descriptor: borrowing FileDescriptor?) -> [UInt8]? {
        switch descriptor {
        case .some(let open): try? open.readAll(limit: 64 * 1024)
        case .none: nil
        }
    }
}
