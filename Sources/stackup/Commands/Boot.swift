import Compose
import Glibc
import Linux
import Runner
import Terminal

/// `stackup boot`: whether systemd brings the stack up when the host starts.
enum Boot {
    static let command = Command(
        "boot", summary: "Have the stack come up when the host starts",
        discussion: """
            Writes a unit for systemd: root's for the whole host, another user's for that user. It keeps what says which project it is: \
            the folder, -f, -p, --profile, --env-file. Variables of your shell are not there at boot: write them into .env.
            """,
        examples: [
            .init("stackup boot enable", "from the next boot on"),
            .init("stackup boot status", "whether it does, and whether the unit is up to date"),
            .init("stackup boot disable", "no more; what runs goes on"),
        ],
        subcommands: [
            Command(
                "enable", summary: "Write the unit and have it started at boot",
                discussion: """
                    Starts nothing now; 'stackup up -d' does. 'systemctl start' and 'stop' of the unit bring the stack up and stop it, 'systemctl reload' applies what changed in the \
                    Compose files, and the services' output goes to the journal, too. Once the files lie elsewhere, enable it again.
                    """,
                examples: [
                    .init("stackup boot enable", "the stack of this directory"),
                    .init("stackup -f compose.yaml -f production.yaml --profile web boot enable", "with these files, always"),
                ],
                options: [.flag("print", help: "Print the unit and change nothing")]),
            Command("disable", summary: "Remove the unit", examples: [.init("stackup boot disable", "what runs goes on")]),
            Command(
                "status", summary: "Say whether the stack comes up at boot",
                discussion: "Exits with 1 where it does not.", examples: [.init("stackup boot status", "of this directory's stack")]),
        ])

    static func run(_ invocation: Invocation) throws -> Int32 {
        switch invocation.arguments.path.last {
        case "enable": return try enable(invocation)
        case "disable": return try disable(invocation)
        default: return try status(invocation)
        }
    }

    private static func enable(_ invocation: Invocation) throws -> Int32 {
        let project = try invocation.loadProject()
        let unit = BootUnit(project, invocation, executable: Installation.program)
        if let problem = unit.problem { throw CommandFailure(problem) }
        if unit.isSystem { warnOfForeignFiles(project, invocation.streams) }
        if invocation.flag("print") {
            invocation.streams.print(unit.text, terminator: "")
            return 0
        }
        let folder = try UnitFolder(invocation)
        if let other = try folder.text(of: unit.fileName), !unit.hasFolder(of: other) {
            invocation.streams.warn(
                "the stack '\(unit.name)' of another folder came up at boot, and does so no more: \(folder.path)/\(unit.fileName) is this one's now; "
                    + "to have both, give one of them another name: stackup -p NAME boot enable")
        }
        try folder.enable(unit)
        // sd_booted(3)
        if access("/run/systemd/system", F_OK) != 0 {
            invocation.streams.warn("systemd does not run on this host, and nothing else starts what it would; if it is to, boot with it")
        }
        invocation.streams.note(
            "the stack '\(unit.name)' comes up \(folder.moment): \(folder.path)/\(unit.fileName)" + (folder.remark.map { "; \($0)" } ?? ""))
        if try SupervisorClient.connect(invocation.paths.directories(of: unit.name)) == nil {
            invocation.streams.note("until then it is not started; 'stackup up -d' does that now")
        }
        return 0
    }

    /// Whoever can change these, or a folder on the way to them, decides what root runs, and nobody looks on.
    private static func warnOfForeignFiles(_ project: LoadedProject, _ streams: Streams) {
        let files = [Installation.program] + project.files.map(\.path) + project.envFiles.map(\.path)
        var ways: [String] = []
        for file in files {
            var place = (try? ResolvedPath(file).path) ?? file
            while place != "/" {
                ways.append(place)
                place = Paths.directory(of: place)
            }
        }
        for path in ways.withoutRepeats() {
            var status = stat()
            guard lstat(path, &status) == 0 else { continue }
            // In a folder such as /tmp nobody takes away what is another's.
            let isSticky = status.st_mode & S_IFMT == S_IFDIR && status.st_mode & mode_t(S_ISVTX) != 0
            guard status.st_uid != 0 || status.st_mode & 0o022 != 0 && !isSticky else { continue }
            let who = status.st_uid != 0 ? "user \(status.st_uid)" : "whoever may write to it"
            streams.warn("\(who) can change \(path), and so decides what root runs at each boot; give it to root alone")
        }
    }

    private static func disable(_ invocation: Invocation) throws -> Int32 {
        let name = try invocation.targetStack().name
        let folder = try UnitFolder(invocation)
        let was = try folder.disable(unitName(name))
        invocation.streams.note(was ? "the stack '\(name)' comes up by itself no more" : "nothing to do: the stack '\(name)' does not come up by itself")
        return 0
    }

    private static func status(_ invocation: Invocation) throws -> Int32 {
        let target = try invocation.targetStack()
        let folder = try UnitFolder(invocation)
        let unit = unitName(target.name)
        guard let written = try folder.text(of: unit), try folder.isEnabled(unit) else {
            invocation.streams.print("disabled: the stack '\(target.name)' does not come up at boot")
            return 1
        }
        invocation.streams.print("enabled: \(folder.path)/\(unit)")
        if let remark = folder.remark { invocation.streams.note("it comes up \(folder.moment); \(remark)") }
        let project = target.definedServices == nil ? nil : Compose.loadProject(invocation.projectOptions(for: .printing)).project
        if let project, BootUnit(project, invocation, executable: Installation.program).text != written {
            invocation.streams.warn("the unit says something else than 'stackup boot enable' would write with these files and options now")
        }
        return 0
    }

    private static func unitName(_ stack: String) -> String { "stackup-\(stack).service" }
}
