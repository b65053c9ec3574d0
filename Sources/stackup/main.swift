import Glibc
import Linux
import Runner
import Terminal

/// The caller's environment as a dictionary; the first of two variables of one name counts, as in getenv(3).
func callersEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, variables[String(parts[0])] == nil { variables[String(parts[0])] = String(parts[1]) }
        entry += 1
    }
    return variables
}

/// Parses, runs, and turns what went wrong into words and an exit status: 0 done, 1 failed, 64 wrong usage.
func runCommand(_ arguments: [String]) -> Int32 {
    // From here on this process may hold a key. (A supervisor hardens itself once it has its namespaces.)
    hardenProcess()
    do {
        let parsed = try parse(arguments, command: CommandTree.root)
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

signal(SIGPIPE, SIG_IGN)
let arguments = Array(CommandLine.arguments.dropFirst())
exit(
    arguments.first == SupervisorProcess.subcommand
        ? SupervisorProcess.run(arguments: Array(arguments.dropFirst())) : runCommand(arguments))
