import JSON
import Reconciler
import Terminal

/// `stackup plan`: what `up` would do, and why.
enum PlanCommand {
    static let command = Command(
        "plan", summary: "Show what up would do, and why",
        discussion: "Reads everything that 'up' reads and changes nothing.",
        examples: [
            .init("stackup plan", "one line for each step, with its cause"),
            .init("stackup plan --detailed-exitcode", "exit with 2 when there is something to do, for scripts"),
        ],
        options: [
            .flag("detailed-exitcode", help: "Exit with 0 for no changes, 2 for changes, 1 for an error"),
            .flag("force-recreate", help: "As up --force-recreate would have it"),
            .flag("remove-orphans", help: "As up --remove-orphans would have it"),
            .choice("format", ["text", "json"], help: "How to print it (default text)"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let project = try invocation.loadProject(services: invocation.operands)
        let session = try StackSession(project.stack.name, invocation, for: .reading)
        let planned = try PlannedDeployment(project, invocation, session)
        if invocation.wantsJSON {
            invocation.streams.print(document(planned.plan).serialized(pretty: true))
        } else {
            invocation.streams.print(planned.plan.text)
            planned.reportOrphans(invocation.streams)
        }
        return invocation.flag("detailed-exitcode") && !planned.plan.isEmpty ? 2 : 0
    }

    /// The plan for tools: an action each, with its cause, and the orphans.
    private static func document(_ plan: Plan) -> JSONValue {
        .object([
            .init("actions", .array(plan.actions.map { .object(members($0.operation) + [.init("cause", .string($0.cause))]) })),
            .init("orphans", .array(plan.orphans.map { .string($0) })),
        ])
    }

    private static func members(_ operation: Action.Operation) -> [JSONValue.Member] {
        func named(_ name: String, _ service: String, _ rest: JSONValue.Member...) -> [JSONValue.Member] {
            [.init("action", .string(name)), .init("service", .string(service))] + rest
        }
        func index(_ number: Int) -> JSONValue.Member { .init("index", .integer(Int64(number))) }
        switch operation {
        case .storeSecret(let name, let version):
            return [
                .init("action", .string("store")), .init("secret", .string(name)), .init("version", .integer(Int64(version))),
            ]
        case .writeFile(let service, let file): return named("write", service, .init("target", .string(file.target)))
        case .removeFile(let service, let file): return named("remove-file", service, .init("target", .string(file.target)))
        case .createInstance(let service, let number): return named("create", service, index(number))
        case .recreateInstance(let service, let number): return named("recreate", service, index(number))
        case .startInstance(let service, let number): return named("start", service, index(number))
        case .removeInstance(let service, let number): return named("remove", service, index(number))
        case .signalService(let service, let signal): return named("signal", service, .init("signal", .string(signal)))
        case .restartService(let service): return named("restart", service)
        }
    }
}
