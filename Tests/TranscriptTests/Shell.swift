import Glibc

/// Runs shell commands the way a terminal would: in a session of their own, with a time limit.
enum Shell {
    /// Runs a script and waits for the shell, not for what it leaves in the background.
    ///
    /// - Parameters:
    ///   - user: a user to become first; the caller's own by default.
    ///   - output: where the outputs are kept meanwhile, without `.out` and `.err`: files, not pipes, so that
    ///     a background process that holds them doesn't keep us waiting.
    ///   - limit: seconds after which the session is killed.
    static func run(
        _ script: String, as user: String? = nil, in directory: String, environment: [String], output: String,
        limit: Double
    ) -> Outcome {
        var arguments = ["/bin/sh", "-c", script]
        if let user {
            arguments = ["/usr/bin/setpriv", "--reuid", user, "--regid", user, "--init-groups"] + arguments
        }
        guard let pid = spawn(arguments, environment, output) else {
            return Outcome(status: 125, stdout: "", stderr: "cannot start \(arguments[0])")
        }
        let (status, timedOut) = wait(for: pid, limit: limit)
        let wasKilled = status & 0x7f != 0
        var outcome = Outcome(
            status: wasKilled ? 128 + (status & 0x7f) : status >> 8 & 0xff, wasKilled: wasKilled,
            stdout: contents(of: output + ".out") ?? "", stderr: contents(of: output + ".err") ?? "")
        if timedOut { outcome.stderr += "\n(still running after \(Int(limit)) s, so it was killed)" }
        return outcome
    }

    private static func spawn(_ arguments: [String], _ environment: [String], _ output: String) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        for (descriptor, suffix) in [(Int32(1), ".out"), (2, ".err")] {
            posix_spawn_file_actions_addopen(&actions, descriptor, output + suffix, O_WRONLY | O_CREAT | O_TRUNC, 0o666)
        }
        // What the test process was started with must not keep anything open in a stack that outlives the shell.
        for descriptor in Int32(3)..<256 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let newSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which the importer doesn't see
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | newSession))

        var argumentPointers = arguments.map { strdup($0) } + [nil]
        var environmentPointers = environment.map { strdup($0) } + [nil]
        defer { (argumentPointers + environmentPointers).forEach { free($0) } }
        var pid = pid_t()
        let error = posix_spawn(&pid, arguments[0], &actions, &attributes, &argumentPointers, &environmentPointers)
        return error == 0 ? pid : nil
    }

    private static func wait(for pid: pid_t, limit: Double) -> (status: Int32, timedOut: Bool) {
        let deadline = monotonicSeconds() + limit
        var pause: UInt32 = 500
        var timedOut = false
        while true {
            var status: Int32 = 0
            if waitpid(pid, &status, WNOHANG) == pid { return (status, timedOut) }
            if !timedOut && monotonicSeconds() > deadline {
                kill(-pid, SIGKILL)
                timedOut = true
            }
            usleep(pause)
            pause = min(pause * 2, 20_000)
        }
    }
}

/// Seconds of a clock that nobody sets.
func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
