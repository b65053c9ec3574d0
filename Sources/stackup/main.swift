import Glibc
import Linux
import Runner
import Terminal

/// Parses, runs, and turns what went wrong into words and an exit status: 0 done, 1 failed, 64 wrong usage.
func runCommand(_ arguments: [String]) -> Int32 {
    takeMemoryInLargePieces()
    // From here on this process may hold a key. (A supervisor hardens itself once it has its namespaces.)
    hardenProcess()
    do {
        let parsed = try CommandTree.parse(arguments)
        let asksForVersion = parsed.flag("version") && !parsed.wantsHelp
        if parsed.wantsHelp || parsed.isIncomplete && !asksForVersion {
            let stream = parsed.wantsHelp ? STDOUT_FILENO : STDERR_FILENO
            put(helpText(for: parsed.path, in: CommandTree.root, width: outputWidth(stream)) ?? "", to: stream)
            return parsed.wantsHelp ? 0 : UsageError.exitStatus
        }
        let invocation = try Invocation(parsed, environment: callersEnvironment())
        guard !asksForVersion, let run = CommandTree.runner(for: parsed.path) else { return try Version.run(invocation) }
        do {
            return try run(invocation)
        } catch let error as UsageError {
            throw error
        } catch let error as DeploymentError {
            invocation.streams.report(error.diagnostics)
            return 1
        } catch {
            invocation.streams.fail("\(error)")
            return 1
        }
    } catch let error as UsageError {
        put(error.text + "\n", to: STDERR_FILENO)
        return UsageError.exitStatus
    } catch {
        put("stackup: error: \(error)\n", to: STDERR_FILENO)
        return 1
    }
}

holdStandardStreams()
signal(SIGPIPE, SIG_IGN)
let arguments = Array(CommandLine.arguments.dropFirst())
switch arguments.first {
case SupervisorProcess.subcommand: exit(SupervisorProcess.run(arguments: Array(arguments.dropFirst())))
case RenewalAttendant.subcommand: exit(RenewalAttendant.run(arguments: Array(arguments.dropFirst())))
case RenewalProcess.subcommand: exit(RenewalProcess.run(arguments: Array(arguments.dropFirst())))
case CopySide.subcommand: exit(CopySide.run(arguments: Array(arguments.dropFirst())))
default: exit(runCommand(arguments))
}
