import Glibc
import Linux

/// Where systemd finds units of this user, and `systemctl`, which has it look.
struct UnitFolder {
    let path: String
    private let isSystem: Bool
    private let systemctl: String
    /// A user's manager runs while that user is logged in, or always (loginctl(1), `enable-linger`).
    private let waitsForLogin: Bool
    /// Whether a manager runs that could be told; otherwise systemctl changes the files alone.
    private let isRunning: Bool

    /// - Throws: `CommandFailure` where there is no systemd.
    init(_ invocation: Invocation) throws(CommandFailure) {
        isSystem = invocation.user == 0
        let name = UserDatabase.host.entry(uid: invocation.user)?.name
        waitsForLogin = !isSystem && (name.map { access("/var/lib/systemd/linger/" + $0, F_OK) != 0 } ?? true)
        guard let systemctl = ["/usr/bin/systemctl", "/bin/systemctl"].first(where: { (path: String) in access(path, X_OK) == 0 }) else {
            throw CommandFailure(
                "systemd is not installed here; have whatever starts this host's programs run: stackup -p NAME -f FILE up -d")
        }
        self.systemctl = systemctl
        let environment = invocation.environment
        if isSystem {
            path = "/etc/systemd/system"
            // sd_booted(3)
            isRunning = access("/run/systemd/system", F_OK) == 0
        } else {
            let config = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? (environment["HOME"] ?? "/") + "/.config"
            path = config + "/systemd/user"
            isRunning = environment["XDG_RUNTIME_DIR"].map { access($0 + "/systemd/private", F_OK) == 0 } ?? false
        }
    }

    /// What lies there by that name; nil where nothing does.
    ///
    /// - Throws: `CommandFailure` where something lies there that stackup has not written.
    func text(of unit: String) throws(CommandFailure) -> String? {
        let bytes: [UInt8]
        do {
            bytes = try FileDescriptor.open("\(path)/\(unit)", O_RDONLY | O_NOFOLLOW | O_NONBLOCK).readAll(limit: 1 << 20) ?? []
        } catch {
            if error.code == ENOENT { return nil }
            throw CommandFailure("\(error)")
        }
        let text = String(decoding: bytes, as: UTF8.self)
        guard text.hasPrefix(BootUnit.mark + "\n") else {
            throw CommandFailure("\(path)/\(unit) is not of stackup's making; remove it, or give it another name")
        }
        return text
    }

    /// Puts a unit in its place, and has it started at boot.
    func enable(_ unit: BootUnit) throws(CommandFailure) {
        _ = try text(of: unit.fileName)
        do {
            try write(unit)
        } catch {
            throw CommandFailure("\(error)")
        }
        try run(["daemon-reload"], onlyWhileRunning: true)
        try run(["--quiet", "enable", unit.fileName])
    }

    private func write(_ unit: BootUnit) throws(SystemCallError) {
        // People keep their settings elsewhere, and a link in their place.
        try FileTree.makeFolders(ResolvedPath(path).path, mode: 0o755)
        let opened = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
        let (number, temporary) = (opened.number, ".\(unit.fileName).\(getpid())")
        // It may say where the store is, and nothing that is secret: others' tools read units.
        let file = try FileDescriptor.open(temporary, in: number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o644)
        defer { unlinkat(number, temporary, 0) }
        try file.writeAll(Array(unit.text.utf8))
        let descriptor = file.number
        try retryingInterrupts("fchmod") { fchmod(descriptor, 0o644) }
        try retryingInterrupts("fsync") { fsync(descriptor) }
        try retryingInterrupts("rename", on: "\(path)/\(unit.fileName)") { renameat(number, temporary, number, unit.fileName) }
        try retryingInterrupts("fsync") { fsync(number) }
    }

    /// Takes it away again; what runs goes on.
    ///
    /// - Returns: whether there was one.
    func disable(_ unit: String) throws(CommandFailure) -> Bool {
        guard try text(of: unit) != nil else { return false }
        try run(["--quiet", "disable", unit])
        guard unlink("\(path)/\(unit)") == 0 || errno == ENOENT else {
            throw CommandFailure("\(SystemCallError("unlink", "\(path)/\(unit)"))")
        }
        try run(["daemon-reload"], onlyWhileRunning: true)
        return true
    }

    /// Whether it is started at boot.
    func isEnabled(_ unit: String) throws(CommandFailure) -> Bool { try end(of: ["--quiet", "is-enabled", unit]) == .exited(0) }

    /// When what is enabled comes up, and what a person has to do for more.
    var moment: String { waitsForLogin ? "when you log in" : "at boot" }

    /// nil where there is nothing to do.
    var remark: String? { waitsForLogin ? "to have it come up at boot, too: loginctl enable-linger" : nil }

    private func run(_ arguments: [String], onlyWhileRunning: Bool = false) throws(CommandFailure) {
        guard isRunning || !onlyWhileRunning else { return }
        guard try end(of: arguments) == .exited(0) else {
            throw CommandFailure("'systemctl \(arguments.joined(separator: " "))' failed")
        }
    }

    private func end(of arguments: [String]) throws(CommandFailure) -> ChildProcess.End {
        var environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"] { environment[name] = variable(name) }
        if !isRunning { environment["SYSTEMD_OFFLINE"] = "1" }
        do {
            let nothing = try FileDescriptor.open("/dev/null", O_RDWR)
            return try ChildProcess(
                systemctl, ["systemctl"] + (isSystem ? [] : ["--user"]) + arguments, environment: environment,
                descriptors: [nothing.number, STDERR_FILENO, STDERR_FILENO]
            ).wait()
        } catch {
            throw CommandFailure("\(error)")
        }
    }

    private func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
