import JSON
import Reconciler

/// What a command asks of a supervisor. docs/control-protocol.md has the form on the wire.
enum ControlRequest: Sendable, Equatable {
    case observe
    /// Which services there are, and no more.
    case list
    /// How a one-off was launched: of services, the stack's record says it.
    case plan(service: String)
    /// Gives a supervisor that has adopted a stack the plans it needs for restarts.
    case provide([LaunchPlan], StackSurroundings)
    case apply(Deployment)
    /// nil services: all. nil timeout: each service's own grace period. `byHost`: no person wants them down, the host ends; see ``StoppedServices``.
    case stop(services: [String]?, timeoutMilliseconds: Int64?, byHost: Bool = false)
    case start(services: [String]?)
    /// With `dependents`, what depends on them with `restart: true`, too.
    case restart(services: [String]?, timeoutMilliseconds: Int64?, dependents: Bool = false)
    case kill(services: [String]?, signal: Int32)
    /// Freezes running instances, and lets them go on.
    case pause(services: [String]?)
    case unpause(services: [String]?)
    /// Of the whole stack, when `services` is nil: then the supervisor ends too.
    case down(services: [String]?, timeoutMilliseconds: Int64?)
    /// Gives instances that are being ended no more time than this from now on; the rest is left alone.
    case hasten(services: [String]?, timeoutMilliseconds: Int64?)
    /// The instances' events from now on; with a time, in nanoseconds since the epoch, all events, and first those that are kept since then.
    case subscribe(since: Int64?)
    /// Waits until secrets are due. `failure` is how the process ended that got the last ones, unless it ended well.
    case attend(failure: String?)
    case report(RenewalReport)
}

extension ControlRequest: JSONConvertible {
    private enum Key: String {
        case request, plans, surroundings, deployment, services, timeoutMilliseconds, signal, payload, dependents, since, failure, report, byHost
    }

    /// Whether a request can have a member of this name. A misspelt `services` must not mean all of them.
    static func knows(member name: String) -> Bool { Key(rawValue: name) != nil }

    init(json: JSONValue) throws {
        var message = try JSONMembers(json)
        let request = try message.read("request", as: String.self)
        let services = try message.readIfPresent("services", as: [String].self)
        let timeout = try message.readIfPresent("timeoutMilliseconds", as: Int64.self)
        if let timeout { try Self.check(timeout: timeout) }
        switch request {
        case "observe": self = .observe
        case "list": self = .list
        case "plan":
            guard let service = services?.first, services?.count == 1 else { throw SupervisionError.refused("a plan is one service's") }
            self = .plan(service: service)
        case "provide":
            self = .provide(
                try message.read("plans", as: [LaunchPlan].self),
                try message.read("surroundings", as: StackSurroundings.self))
        case "apply": self = .apply(try message.decode("deployment", as: Deployment.self))
        case "stop":
            self = .stop(
                services: services, timeoutMilliseconds: timeout, byHost: try message.readIfPresent("byHost", as: Bool.self) ?? false)
        case "start": self = .start(services: services)
        case "restart":
            self = .restart(
                services: services, timeoutMilliseconds: timeout,
                dependents: try message.readIfPresent("dependents", as: Bool.self) ?? false)
        case "kill":
            let signal = try message.read("signal", as: Int32.self)
            guard (1...64).contains(signal) else { throw SupervisionError.refused("there is no signal \(signal)") }
            self = .kill(services: services, signal: signal)
        case "pause": self = .pause(services: services)
        case "unpause": self = .unpause(services: services)
        case "down": self = .down(services: services, timeoutMilliseconds: timeout)
        case "hasten": self = .hasten(services: services, timeoutMilliseconds: timeout)
        case "subscribe": self = .subscribe(since: try message.readIfPresent("since", as: Int64.self))
        case "attend":
            let failure = try message.readIfPresent("failure", as: String.self)
            guard failure?.utf8.count ?? 0 <= Self.longestFailure else { throw SupervisionError.refused("a failure has at most \(Self.longestFailure) bytes") }
            self = .attend(failure: failure)
        case "report": self = .report(try message.decode("report", as: RenewalReport.self))
        default: throw SupervisionError.refused("the running supervisor does not know this request; it may be of an older version: run 'down' and 'up'")
        }
    }

    var json: JSONValue {
        .members { message in
            func put(_ request: String, _ services: [String]? = nil, _ timeout: Int64? = nil) {
                message.put("request", request)
                message.put("services", services)
                message.put("timeoutMilliseconds", timeout)
            }
            switch self {
            case .observe: put("observe")
            case .list: put("list")
            case .plan(let service): put("plan", [service])
            case .provide(let plans, let surroundings):
                put("provide")
                message.put("plans", plans)
                message.put("surroundings", surroundings)
            case .apply(let deployment):
                put("apply")
                message.encode("deployment", deployment)
                let total = deployment.payloads.reduce(0) { $0 + $1.length }
                if total > 0 { message.put("payload", total) }
            case .stop(let services, let timeout, let byHost):
                put("stop", services, timeout)
                if byHost { message.put("byHost", true) }
            case .start(let services): put("start", services)
            case .restart(let services, let timeout, let dependents):
                put("restart", services, timeout)
                if dependents { message.put("dependents", true) }
            case .kill(let services, let signal):
                put("kill", services)
                message.put("signal", signal)
            case .pause(let services): put("pause", services)
            case .unpause(let services): put("unpause", services)
            case .down(let services, let timeout): put("down", services, timeout)
            case .hasten(let services, let timeout): put("hasten", services, timeout)
            case .subscribe(let since):
                put("subscribe")
                message.put("since", since)
            case .attend(let failure):
                put("attend")
                message.put("failure", failure)
            case .report(let report):
                put("report")
                message.encode("report", report)
            }
        }
    }

    static func check(timeout: Int64) throws(SupervisionError) {
        guard (0...longestTimeout).contains(timeout) else { throw .refused("a timeout is between 0 and \(longestTimeout) ms") }
    }

    /// A year: longer is a mistake, and must not overflow a deadline.
    static let longestTimeout: Int64 = 366 * 86_400_000
    private static let longestFailure = 8192
}

/// What a supervisor answers: any number of events, then one of the others.
enum ControlReply: Sendable, Equatable {
    case state(ObservedState)
    case services(ObservedServices)
    case plan(LaunchPlan)
    case event(InstanceEvent)
    /// For who subscribed to all events.
    case happened(StackEvent)
    /// Secrets are due: the state says which.
    case due
    case done
    case failed(reason: String)
}

extension ControlReply: JSONConvertible {
    init(json: JSONValue) throws {
        var message = try JSONMembers(json)
        switch try message.read("reply", as: String.self) {
        case "state": self = .state(try message.read("state"))
        case "services": self = .services(try message.read("services"))
        case "plan": self = .plan(try message.read("plan"))
        case "event": self = .event(try message.read("event"))
        case "happened": self = .happened(try message.decode("happened"))
        case "due": self = .due
        case "done": self = .done
        case "failed": self = .failed(reason: try message.read("reason"))
        case let other: throw SupervisionError.malformed("a reply '\(other.prefix(40))'")
        }
    }

    var json: JSONValue {
        .members { message in
            message.put("reply", kind)
            switch self {
            case .state(let state): message.put("state", state)
            case .services(let services): message.put("services", services)
            case .plan(let plan): message.put("plan", plan)
            case .event(let event): message.put("event", event)
            case .happened(let event): message.encode("happened", event)
            case .due, .done: break
            case .failed(let reason): message.put("reason", reason)
            }
        }
    }

    private var kind: String {
        switch self {
        case .state: "state"
        case .services: "services"
        case .plan: "plan"
        case .event: "event"
        case .happened: "happened"
        case .due: "due"
        case .done: "done"
        case .failed: "failed"
        }
    }
}
