import Compose
import Linux
import Runner
import Words

/// The systemd unit that brings a stack up at boot (systemd.service(5)).
///
/// Its main process is `stackup up` in the foreground: it tells systemd when the stack has started (sd_notify(3)), hands the services' output
/// to the journal, and stops them in order when it is told to. It may end, or be killed, without them: they belong to their supervisor.
struct BootUnit: Equatable {
    /// Of the stack.
    let name: String
    /// `up`'s command line without `up`: program, files, name.
    let command: [String]
    /// Folders that have to be mounted.
    let folders: [String]
    let environment: [String: String]
    /// Whether a Compose file came over standard input.
    private let readsStandardInput: Bool
    /// Whether it is the whole host's; a user's manager has neither the network's nor the disks' targets.
    let isSystem: Bool
    /// What none of the stack's services is to have.
    let withheldCapabilities: [String]

    /// What marks a file as one of ours, to be replaced and removed.
    static let mark = "# Written by 'stackup boot enable'; 'stackup boot disable' removes it."

    var fileName: String { "stackup-\(name).service" }

    /// - Parameters:
    ///   - project: loaded to be run.
    ///   - executable: this program.
    init(_ project: LoadedProject, _ invocation: Invocation, executable: String) {
        let stack = project.stack
        let (from, environment) = (invocation.workingDirectory, invocation.environment)
        name = stack.name
        readsStandardInput = stack.composeFiles.contains("-")
        var command = [executable, "--project-directory", stack.workingDirectory]
        for file in stack.composeFiles { command += ["-f", file] }
        for file in invocation.values("env-file") { command += ["--env-file", Paths.join(from, file)] }
        for profile in invocation.values("profile") { command += ["--profile", profile] }
        self.command = command + ["-p", stack.name]
        folders = [stack.workingDirectory, Paths.directory(of: invocation.paths.store.directory)]
        self.environment = HostPaths.environment(from: environment, workingDirectory: from)
        isSystem = invocation.user == 0
        let wanted = stack.services.flatMap(\.capAdd)
        let numbers = Set(wanted.compactMap(Capabilities.number))
        withheldCapabilities = wanted.contains { $0.uppercased() == "ALL" } || stack.services.contains(where: \.isPrivileged)
            ? [] : Self.needless.filter { name in Capabilities.number(name).map { !numbers.contains($0) } ?? false }
    }

    /// Capabilities that neither stackup nor a service without `cap_add` has a use for.
    private static let needless = [
        "CAP_BLOCK_SUSPEND", "CAP_MAC_ADMIN", "CAP_MAC_OVERRIDE", "CAP_SYS_BOOT", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_TIME",
        "CAP_SYSLOG", "CAP_WAKE_ALARM",
    ]

    /// The file.
    var text: String {
        let up = Self.quoted(command)
        var lines = [Self.mark, "[Unit]", "Description=The stack '\(name)' of stackup"]
        if isSystem { lines += ["Wants=network-online.target", "After=network-online.target nss-user-lookup.target"] }
        lines += ["RequiresMountsFor=" + folders.map { Self.quoted($0, inCommand: false) }.joined(separator: " ")]
        lines += ["", "[Service]", "Type=notify", "NotifyAccess=main"]
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) { lines.append("Environment=" + Self.quoted("\(name)=\(value)", inCommand: false)) }
        lines += [
            "ExecStart=\(up) --ansi never up --\(Up.keepStopped)", "ExecReload=\(up) --ansi never --progress plain up -d",
            // `up` stops the services in order and exits with 130; as long as each one's stop_grace_period takes.
            "KillMode=process", "SuccessExitStatus=130", "TimeoutStartSec=infinity", "TimeoutStopSec=infinity",
            "Restart=on-failure", "RestartSec=5",
            // Each service has limits, and a fate, of its own: its group lies elsewhere, since systemd could start nothing in one that is divided.
            "TasksMax=infinity", "OOMPolicy=continue", "LimitCORE=0:infinity", "UMask=0077",
        ]
        if isSystem, !withheldCapabilities.isEmpty { lines.append("CapabilityBoundingSet=~" + withheldCapabilities.joined(separator: " ")) }
        return (lines + ["", "[Install]", "WantedBy=\(isSystem ? "multi-user" : "default").target", ""]).joined(separator: "\n")
    }

    /// Why a unit can't say it; nil where it can.
    var problem: String? {
        if readsStandardInput { return "what came over standard input isn't there at boot; write it to a file, and name that with -f" }
        let texts = command + folders + environment.map { "\($0.key)=\($0.value)" }
        guard let text = texts.first(where: { $0.utf8.contains { $0 < 0x20 || $0 == 0x7F } }) else { return nil }
        return "'\(text.map { $0.isNewline || $0.asciiValue ?? 32 < 32 ? "?" : String($0) }.joined())' has a control character, which a unit can't have"
    }

    /// Whether a unit's text is that of a stack in the same folder.
    func hasFolder(of text: String) -> Bool { text.contains(part: Self.quoted(["--project-directory", folders[0]])) }

    /// A command line. Nothing is put in for variables in the program's own path.
    private static func quoted(_ words: [String]) -> String {
        words.enumerated().map { quoted($1, inCommand: $0 > 0) }.joined(separator: " ")
    }

    /// A word in quotes: systemd.syntax(7), and for command lines systemd.service(5).
    private static func quoted(_ word: String, inCommand: Bool) -> String {
        var text = ""
        for scalar in word.unicodeScalars {
            switch scalar {
            case "\\", "\"": text += "\\\(scalar)"
            case "%": text += "%%"
            case "$" where inCommand: text += "$$"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return "\"\(text)\""
    }
}
