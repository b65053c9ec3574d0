import CLinux
import Glibc
import JSON
import Linux

/// The supervisor's side of the control socket.
///
/// Nothing here waits for a client: what it does not read is kept up to a limit, then it is dropped. A message
/// that is malformed, too big or unknown is answered with a refusal.
final class ControlServer {
    private let loop: EventLoop
    private let listener: FileDescriptor
    private let supervisor: StackSupervisor
    private var listenerToken: EventLoop.Token?
    private var clients: [ObjectIdentifier: ControlClient] = [:]
    /// Others wait in the listener's queue until one of them goes.
    private var isFull = false
    private var history = EventHistory()
    /// Who waits for secrets to be due.
    private weak var attendant: ControlClient?

    init(listener: consuming FileDescriptor, loop: EventLoop, supervisor: StackSupervisor) throws(SystemCallError) {
        self.listener = listener
        self.loop = loop
        self.supervisor = supervisor
        listenerToken = try loop.add(self.listener.number, .readable) { [unowned self] _ in accept() }
    }

    /// Sends an event to those who subscribed.
    ///
    /// - Parameter isQuiet: whether it is only for those who subscribed to everything.
    func publish(_ subject: StackEvent.Subject, isQuiet: Bool = false) {
        let event = history.add(subject, at: WallClock.nanoseconds())
        for client in clients.values {
            switch (client.subscription, subject) {
            case (.everything, _): client.send(.happened(event))
            case (.instances, .instance(let event)) where !isQuiet: client.send(.event(event))
            default: continue
            }
        }
    }

    // MARK: Renewal

    /// Tells who waits that secrets are due.
    func callAttendant() {
        attendant?.send(.due)
        attendant?.isBusy = false
    }

    /// Sends who waits for secrets to be due away: nothing will be, any more.
    func dismissAttendant() {
        guard let attendant, attendant.isBusy else { return }
        attendant.send(.done)
    }

    /// Whether somebody still waits who was sent away.
    private var hasAttendant: Bool { attendant.map { $0.isBusy && !$0.isGone } ?? false }

    /// Sends what was gathered during a batch of events; drops those who do not read.
    func flush() {
        let time = MonotonicClock.now()
        for client in clients.values {
            client.flush()
            if client.isExpired(at: time) { client.isGone = true }
            if client.isGone { drop(client) }
        }
        if isFull && clients.count < ControlLimits.clients, let listenerToken {
            isFull = false
            loop.change(listenerToken, to: .readable)
        }
    }

    /// When a client has taken too long for its message.
    var nextDeadline: Int64? { clients.values.compactMap(\.deadline).min() }

    /// Hangs up on everybody.
    func disconnect() {
        close()
        for client in clients.values { drop(client) }
    }

    /// Takes no more connections.
    func close() {
        if let listenerToken { loop.remove(listenerToken) }
        listenerToken = nil
    }

    /// Whether a client has not taken its last answer yet.
    var hasUnsent: Bool { hasAttendant || clients.values.contains { $0.hasUnsent } }

    private func accept() {
        while true {
            guard clients.count < ControlLimits.clients else {
                isFull = true
                if let listenerToken { loop.change(listenerToken, to: []) }
                return
            }
            let number = clinux_accept(listener.number)
            if number < 0 {
                if errno == EINTR || errno == ECONNABORTED { continue }
                return
            }
            let socket = FileDescriptor(owning: number)
            var pid: Int32 = 0
            var uid: UInt32 = 0
            // The file's mode keeps others out already; this holds wherever the socket may be passed to.
            guard clinux_peer(number, &pid, &uid) == 0, uid == geteuid() else { continue }
            let client = ControlClient(socket: socket, loop: loop)
            guard let token = try? loop.add(number, [.readable, .peerClosed], handler: { [unowned self, unowned client] ready in
                handle(client, ready)
            }) else { continue }
            client.token = token
            clients[ObjectIdentifier(client)] = client
        }
    }

    private func drop(_ client: ControlClient) {
        guard clients.removeValue(forKey: ObjectIdentifier(client)) != nil else { return }
        if let token = client.token { loop.remove(token) }
        if client === attendant {
            attendant = nil
            supervisor.attendance = .none
        }
    }

    private func handle(_ client: ControlClient, _ ready: EventLoop.Interest) {
        if client.isBusy {
            // It reads its events or it is gone; the work goes on in both cases.
            if !ready.isDisjoint(with: [.peerClosed, .hungUp]) { client.isGone = true }
            return
        }
        while !client.isBusy && !client.isGone && !client.isClosing {
            switch client.read() {
            case .incomplete: return
            case .closed: client.isGone = true
            case .refused(let reason): client.send(.failed(reason: reason))
            case .broken(let reason):
                client.send(.failed(reason: reason))
                client.isClosing = true
            case .request(let request, let payload): serve(request, payload, for: client)
            }
        }
    }

    private func serve(_ request: ControlRequest, _ payload: LockedBuffer?, for client: ControlClient) {
        // What happened before it came counts.
        supervisor.settleIfDue()
        switch request {
        case .observe: client.send(.state(supervisor.observe(supervisorPID: getpid())))
        case .list: client.send(.services(supervisor.observedServices))
        case .plan(let service):
            let plan = supervisor.services[service]?.plan
            client.send(plan.map(ControlReply.plan) ?? .failed(reason: "how '\(service.prefix(80))' was launched is not known any more"))
        case .subscribe(let since):
            // The answer tells that from here on no event is missed.
            client.send(.done)
            if let since {
                for event in history.since(since) { client.send(.happened(event)) }
            }
            client.subscription = since == nil ? .instances : .everything
            client.isBusy = true
        case .attend(let failure):
            guard attendant == nil || attendant === client else {
                return client.send(.failed(reason: "another process waits for secrets that are due already"))
            }
            attendant = client
            client.isBusy = true
            supervisor.attend(failure: failure)
        case .report(let report):
            do {
                try supervisor.take(report)
                client.send(.done)
            } catch {
                client.send(.failed(reason: error.description))
            }
        case .kill(let services, let signal):
            answer(client) { () throws(SupervisionError) in try supervisor.kill(services: services, signal: signal) }
        case .hasten(let services, let timeout):
            answer(client) { () throws(SupervisionError) in try supervisor.hasten(services: services, timeoutMilliseconds: timeout) }
        case .pause(let services): answer(client) { () throws(SupervisionError) in try supervisor.pause(services: services) }
        case .unpause(let services): answer(client) { () throws(SupervisionError) in try supervisor.unpause(services: services) }
        default:
            client.isBusy = true
            supervisor.submit(StackSupervisor.Job(
                request, payload: payload, descriptors: client.takeDescriptors(),
                onEvent: { [weak client] in client?.send(.event($0)) },
                onFinish: { [weak client] reply in
                    client?.send(reply)
                    client?.isBusy = false
                }))
        }
    }

    /// Does at once what is asked for, and says what came of it.
    private func answer(_ client: ControlClient, _ act: () throws(SupervisionError) -> [InstanceEvent]) {
        do {
            for event in try act() { client.send(.event(event)) }
            client.send(.done)
        } catch {
            client.send(.failed(reason: error.description))
        }
    }
}

/// One connection.
final class ControlClient {
    private let socket: FileDescriptor
    private let loop: EventLoop
    private var reader = RequestReader()
    private var outgoing: [UInt8] = []
    private var messageStart: Int64?
    private var interest: EventLoop.Interest = [.readable, .peerClosed]
    var token: EventLoop.Token?
    /// Waits for the end of its request, and may not send another one before.
    var isBusy = false
    var subscription: Subscription?
    /// Gets what is under way to it, then it is dropped.
    var isClosing = false
    var isGone = false

    enum Subscription {
        case instances, everything
    }

    init(socket: consuming FileDescriptor, loop: EventLoop) {
        self.socket = socket
        self.loop = loop
    }

    var hasUnsent: Bool { !outgoing.isEmpty && !isGone }

    func read() -> RequestReader.Outcome {
        let outcome = reader.read(from: socket.number)
        if !reader.isInsideMessage {
            messageStart = nil
        } else if messageStart == nil {
            messageStart = MonotonicClock.now()
        }
        return outcome
    }

    /// What came with the request that was just read.
    func takeDescriptors() -> PassedDescriptors { reader.takeDescriptors() }

    var deadline: Int64? { messageStart.map { $0 + ControlLimits.patience } }

    func isExpired(at time: Int64) -> Bool { deadline.map { $0 <= time } ?? false }

    func send(_ reply: ControlReply) {
        guard !isGone else { return }
        let bytes = JSON.encode(reply)
        guard outgoing.count + bytes.count <= ControlLimits.outgoing else {
            isGone = true
            return
        }
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { outgoing.append(contentsOf: $0) }
        outgoing.append(contentsOf: bytes)
    }

    func flush() {
        if !outgoing.isEmpty && !isGone {
            var sent = 0
            while sent < outgoing.count {
                let count = outgoing.withUnsafeBytes {
                    Glibc.send(socket.number, $0.baseAddress! + sent, $0.count - sent, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                }
                if count >= 0 {
                    sent += count
                } else if errno != EINTR {
                    if errno != EAGAIN { isGone = true }
                    break
                }
            }
            if sent == outgoing.count { outgoing = [] } else { outgoing.removeFirst(sent) }
        }
        if isClosing && outgoing.isEmpty { isGone = true }
        var wanted: EventLoop.Interest = .peerClosed
        if !isBusy && !isClosing { wanted.insert(.readable) }
        if !outgoing.isEmpty { wanted.insert(.writable) }
        if wanted != interest, let token {
            interest = wanted
            loop.change(token, to: wanted)
        }
    }
}
