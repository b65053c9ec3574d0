import JSON
import Reconciler
import Terminal

/// `stackup plan`: what `up` would do, and why.
enum PlanCommand {
    static let command = Command(
        "plan", summary: "Show what up would do, and why",
        discussion: """
            Reads everything that 'up' reads, and changes nothing of the stack. What a secret's driver has now can only be known by asking \
            it: a 'driver: command' is run, with your rights, and so are the programs of other drivers. With somebody else's files use \
            --no-drivers, or look at 'stackup config' first, which asks nobody.
            """,
        examples: [
            .init("stackup plan", "one line for each step, with its cause"),
            .init("stackup plan --no-drivers", "of files that you don't know yet"),
            .init("stackup plan --detailed-exitcode", "exit with 2 when there is something to do, for scripts"),
        ],
        options: [
            .flag("detailed-exitcode", help: "Exit with 0 for no changes, 2 for changes, 1 for an error"),
            .flag(PlannedDeployment.withoutDrivers, help: "Ask no driver and run no program: what the store has counts"),
            .flag("force-recreate", help: "As up --force-recreate would have it"),
            .flag("remove-orphans", help: "As up --remove-orphans would have it"),
            .choice("format", ["text", "json"], help: "How to print it (default text)"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let project = try invocation.loadProject(services: invocation.operands)
        _ = try invocation.identities(for: project.stack)
        let session = try StackSession(project.stack.name, invocation, for: .reading)
        let planned = try PlannedDeployment(project, invocation, session)
        invocation.streams.print(
            invocation.wantsJSON ? try JSON.encodeValue(planned.plan).serialized(pretty: true) : planned.plan.text)
        planned.reportProspects(invocation.streams)
        // Who could not read the plan must not take its status for all there is to know.
        return invocation.flag("detailed-exitcode") && !planned.plan.isEmpty && !invocation.streams.lostResults ? 2 : 0
    }
}
