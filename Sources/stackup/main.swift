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
            let isWritten = put(helpText(for: parsed.path, in: CommandTree.root, width: outputWidth(stream)) ?? "", to: stream)
            guard parsed.wantsHelp else { return UsageError.exitStatus }
            if !isWritten, errno != EPIPE { throw ResultOutput.error() }
            return 0
        }
        let invocation = try Invocation(parsed, environment: callersEnvironment())
        let run = (asksForVersion ? nil : CommandTree.runner(for: parsed.path)) ?? Version.run
        do {
            let status = try run(invocation)
            return status == 0 && invocation.streams.lostResults ? 1 : status
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
case IdentityMapper.subcommand: exit(IdentityMapper.run())
case NamespaceErrand.subcommand: exit(NamespaceErrand.run(arguments: Array(arguments.dropFirst())))
case NamespaceTrial.subcommand: exit(NamespaceTrial.run())
case RenewalAttendant.subcommand: exit(RenewalAttendant.run(arguments: Array(arguments.dropFirst())))
case RenewalProcess.subcommand: exit(RenewalProcess.run(arguments: Array(arguments.dropFirst())))
case CopySide.subcommand: exit(CopySide.run(arguments: Array(arguments.dropFirst())))
default: exit(runCommand(arguments))
}
