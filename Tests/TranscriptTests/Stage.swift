import Glibc

/// Where one transcript plays: a directory of its own with a project, a home, a `STACKUP_HOME` and,
/// if it asks for one, an unprivileged user. `clear` takes everything away again.
final class Stage {
    /// Not below `/tmp` or `/var/tmp`, which services have privately: what hides a file from them must not be an accident.
    let root: String
    let tag: ProcessTag
    private let binaryDirectory: String
    private let user: String?

    private var project: String { root + "/demo" }
    private var stackupHome: String { root + "/stackup" }

    init(_ transcript: Transcript, number: Int, binary: String) throws(StageError) {
        tag = ProcessTag(number: number)
        binaryDirectory = String(binary[..<binary.lastIndex(of: "/")!])
        let base = geteuid() == 0 ? "/var/lib" : getenv("HOME").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/stackup-transcript.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw StageError("cannot make a directory in \(base)") }
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        let wantsUser = transcript.steps.contains { $0.asUser } && geteuid() == 0
        user = wantsUser ? "transcript\(getpid() % 100_000)x\(number)" : nil
        chmod(root, 0o755)
        for directory in [project, root + "/user", root + "/output"] { mkdir(directory, 0o755) }
        for file in transcript.files { try write(file) }
        if let user {
            try setUp("useradd --system --no-create-home --home-dir \(root)/user --shell /bin/sh \(user)", tries: 100)
            try setUp("chown -R \(user): \(project) \(root)/user && chmod 1777 \(root)")
        }
    }

    private func write(_ file: Transcript.File) throws(StageError) {
        let path = project + "/" + file.path
        for (index, character) in path.enumerated() where character == "/" && index > project.count {
            mkdir(String(path.prefix(index)), 0o755)
        }
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        defer { close(descriptor) }
        let bytes = Array(file.content.utf8)
        guard descriptor >= 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw StageError("cannot write \(path)")
        }
    }

    /// What the stage itself needs; other stages may hold the lock on the user database, hence the tries.
    private func setUp(_ command: String, tries: Int = 1) throws(StageError) {
        for attempt in 1...tries {
            let outcome = Shell.run(command, in: "/", environment: environment, output: root + "/output/setup", limit: 120)
            if outcome.status == 0 { return }
            guard attempt < tries else { throw StageError("\(command): \(outcome.stderr)") }
            usleep(200_000)
        }
    }

    /// Where the servers are that secrets are fetched from.
    private static let servers = tests + "/SecretServers"
    /// What transcripts wait with.
    private static let tools = tests + "/transcripts/tools"
    private static let tests = "/" + #filePath.split(separator: "/").dropLast(2).joined(separator: "/")

    private var environment: [String] {
        [
            "PATH=\(binaryDirectory):\(Self.tools):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=\(root)/user", "STACKUP_HOME=\(stackupHome)", "STAGE=\(root)", "SERVERS=\(Self.servers)", "LANG=C.UTF-8", "TERM=xterm",
        ]
    }

    /// Plays one step until it goes as expected or its patience is at an end.
    func play(_ step: Transcript.Step) -> (outcome: Outcome, mismatches: [String]) {
        let deadline = monotonicSeconds() + (step.patience ?? 0)
        while true {
            let outcome = perform(step.command, asUser: step.asUser)
            let mismatches = step.mismatches(with: outcome)
            if mismatches.isEmpty || monotonicSeconds() >= deadline { return (outcome, mismatches) }
            usleep(50_000)
        }
    }

    /// Variables live on from command to command, as they would in one terminal.
    private func perform(_ command: String, asUser: Bool = false) -> Outcome {
        let state = root + "/output/state"
        let script = """
            ulimit -S -m \(tag.kilobytes) || exit 125
            if [ -f \(state) ]; then . \(state); fi
            cd \(project) || exit 125
            trap 'export -p >\(state).new && mv \(state).new \(state)' EXIT
            set -a
            \(command)
            """
        if asUser, user != nil { chmod(root + "/output", 0o777) }
        return Shell.run(
            script, as: asUser ? user : nil, in: project, environment: environment, output: root + "/output/step",
            limit: 300)
    }

    /// Ends what still runs and removes everything; returns what should not have been there.
    func clear() -> [String] {
        var leftovers: [String] = []
        for name in entries(of: stackupHome + "/run") {
            let outcome = perform("cd / && stackup -p '\(name)' down -t 1", asUser: ownedByUser)
            if outcome.status != 0 { leftovers.append("'down' of \(name) failed: \(outcome.stderr)") }
        }
        leftovers += entries(of: stackupHome + "/run").map { "runtime state of \($0)" }
        let deadline = monotonicSeconds() + 30
        while !tag.processes().isEmpty && monotonicSeconds() < deadline { usleep(20_000) }
        leftovers += tag.processes().map { "process \($0)" }
        tag.endAll()
        for line in (contents(of: "/proc/self/mountinfo") ?? "").split(separator: "\n") where line.contains(root) {
            leftovers.append("mount \(line)")
            umount2(String(line.split(separator: " ")[4]), Int32(2))  // MNT_DETACH
        }
        if let user { leftovers += removing("userdel \(user)", tries: 100) }
        leftovers += removing("cd / && rm -rf --one-file-system \(root)")
        return leftovers
    }

    private func removing(_ command: String, tries: Int = 1) -> [String] {
        do {
            try setUp(command, tries: tries)
            return []
        } catch {
            return ["\(error)"]
        }
    }

    private var ownedByUser: Bool {
        var status = stat()
        return user != nil && stat(stackupHome, &status) == 0 && status.st_uid != geteuid()
    }
}

/// A stage that can't be set up.
struct StageError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
