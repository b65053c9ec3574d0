import Glibc
import Linux
import Testing

@testable import SecretStore

/// Something that changes a store, done by a process that can be traced, killed and made to fail.
///
/// All that the tests of this folder do, they do with each of `all`: a new command that writes to the store is a line there.
struct StoreOperation: Sendable, CustomTestStringConvertible {
    enum Program {
        /// The helper, which uses the room: words of `StoreWriter`.
        case helper([String])
        /// The command, as a person types it; the working directory is the scratch folder.
        case stackup([String])
    }

    let program: Program
    /// Of an operation with very many calls that are alike, every so many-th is looked at.
    var stride = 1
    /// What is there before, beyond the store of `makeOldState`.
    var startsWithoutStore = false
    /// Whether the same command does what is left where it was cut short.
    var isRepeatable = false
    /// More preparation, as shell commands in the scratch folder that know `stackup`.
    var preparation = ""

    var testDescription: String {
        switch program {
        case .helper(let words): "StoreWriter \(words.joined(separator: " "))"
        case .stackup(let words): "stackup \(words.joined(separator: " "))"
        }
    }

    static let all: [StoreOperation] = [
        StoreOperation(program: .helper(["change"])),
        StoreOperation(program: .helper(["create"]), startsWithoutStore: true),
        // More than are synchronised one by one.
        StoreOperation(program: .helper(["fill", "70"]), stride: 9),
        StoreOperation(program: .stackup(["secret", "create", "first", "value.txt"]), startsWithoutStore: true),
        StoreOperation(program: .stackup(["secret", "create", "third", "value.txt"])),
        StoreOperation(program: .stackup(["secret", "rm", "kept"])),
        StoreOperation(program: .stackup(["secret", "update", "kept", "value.txt"])),
        StoreOperation(program: .stackup(["secret", "rollback", "kept"]), preparation: "stackup secret update kept value.txt"),
        StoreOperation(program: .stackup(["secret", "prune", "--keep", "1"]), preparation: "stackup secret update kept value.txt"),
        // By a path that leads to the working directory, wherever that is.
        StoreOperation(
            program: .stackup(["secret", "seal", "kept"]), isRepeatable: true,
            preparation: "stackup secret update kept value.txt; $WRITER home/store home/key apply kept /proc/self/cwd/value.txt"),
        StoreOperation(program: .stackup(["store", "rekey"])),
        StoreOperation(program: .stackup(["store", "slot", "add", "--keyfile", "second.key"])),
        StoreOperation(program: .helper(["remove-slot"]), preparation: "$WRITER home/store home/key add-slot $PWD/second.key"),
        StoreOperation(program: .stackup(["store", "backup", "-o", "store.backup"])),
        StoreOperation(
            program: .stackup(["store", "restore", "--force", "store.backup"]),
            preparation: "$WRITER home/store home/key backup $PWD/store.backup; $WRITER home/store home/key change"),
    ]

    /// Makes the old state.
    func prepare(_ scratch: Scratch) throws {
        scratch.overwrite(scratch.path + "/value.txt", with: Array("value of a file".utf8))
        if !startsWithoutStore { try makeOldState(scratch.location) }
        guard !preparation.isEmpty else { return }
        let script = "stackup() { \(Child.stackup) \"$@\"; }; WRITER=\(Child.writer); \(preparation)"
        #expect(Child.start(["/bin/sh", "-ec", script], folder: scratch.path, environment: Self.environment(scratch)).wait() == 0)
    }

    private static func environment(_ scratch: Scratch) -> [String] {
        ["PATH=/usr/bin:/bin", "HOME=\(scratch.path)", "STACKUP_HOME=\(Paths.directory(of: scratch.location.directory))"]
    }

    /// The process that does it, below others such as strace.
    func start(_ scratch: Scratch, below others: [String] = [], output: String = "/dev/null") -> Child {
        switch program {
        case .helper(let words):
            Child.start(others + [Child.writer, scratch.location.directory, scratch.location.keyFile] + words, output: output)
        case .stackup(let words):
            Child.start(
                others + [Child.stackup] + words, output: output, folder: scratch.path, environment: Self.environment(scratch))
        }
    }

    /// The calls with which it changes the disk, each with how many of its name came before in the process: what strace counts by.
    func calls(_ scratch: Scratch) throws -> [TracedCall] {
        let file = scratch.path + ".trace"
        defer { unlink(file) }
        let status = start(scratch, below: [
            strace, "-qq", "-xx", "-y", "-s", "100000000", "-e", "trace=" + TracedCall.recorded.map { "?" + $0 }.joined(separator: ","), "-e", "signal=none",
            "-o", file,
        ]).wait()
        try #require(status == 0)
        return String(decoding: scratch.bytes(of: file), as: UTF8.self).split(separator: "\n").compactMap(TracedCall.init)
    }
}

/// A store with two secrets and two stacks, which the helper's `change` changes all.
func makeOldState(_ location: StoreLocation) throws {
    let store = try SecretStore.openOrCreate(location)
    // The next commit is the tenth: one whose number is longer than the last one's.
    for round in 0..<8 {
        var changes = StoreChanges()
        changes.putStackRecord("web", Array("record \(round)".utf8))
        try store.commit(changes)
    }
    var changes = StoreChanges()
    for name in ["kept", "removed"] {
        changes.createSecret(name, source: "test", value: try secret("old value"))
    }
    for stack in ["web", "old"] { changes.putStackRecord(stack, Array("old record".utf8)) }
    try store.commit(changes)
}

/// What a person would say is in a store and beside it: the state before an operation, or the one after it.
func state(of scratch: Scratch) throws -> [String] {
    var lines: [String] = []
    if let store = try SecretStore.open(scratch.location) {
        let snapshot = try store.snapshot()
        for secret in snapshot.secrets() {
            let values = try secret.versions.map { "\($0.number): \(try store.text(secret.name, version: $0.number))" }
            // A file that is there counts, whatever the store says: one that was to be sealed is not yet. Where it is gone, the store has to know.
            let isThere = access(scratch.path + "/value.txt", F_OK) == 0
            let place = isThere ? "" : secret.isSealed ? ", sealed" : ", without its file"
            lines.append("secret \(secret.name) from \(secret.versions.map(\.source)), \(values)\(place)")
        }
        // The log tells exactly what has come about.
        for entry in try store.log() where entry.isDone && entry.generation > 0 && ![.abandoned, .sealed, .unsealed].contains(entry.event.kind) {
            lines.append("log: \(entry.event.kind.rawValue) \(entry.event.secret) \(entry.event.version ?? 0)")
        }
        // One slot, every store has.
        for slot in store.slots().dropFirst() { lines.append("slot \(slot.kind) \(slot.detail ?? "-")") }
        for stack in snapshot.stackNames {
            lines.append("stack \(stack): \(try store.stackRecord(stack).map { String(decoding: $0, as: UTF8.self) } ?? "-")")
        }
    }
    if access(scratch.path + "/store.backup", F_OK) == 0 { lines.append("backup: \(try content(ofBackup: scratch.path + "/store.backup", scratch))") }
    // An empty store is as good as none: the next command makes one.
    return lines.map(withoutScratch)
}

/// The values that a backup has.
private func content(ofBackup file: String, _ scratch: Scratch) throws -> [String] {
    let elsewhere = Scratch(asHome: true)
    let unlocker = StoreUnlocker(keyFile: scratch.location.keyFile)
    let store = try Restoration(replaces: false, unlocker: unlocker)
        .restore(FileDescriptor.open(file, O_RDONLY), name: file, to: elsewhere.location)
    return try store.snapshot().secrets().map { "\($0.name): \(try store.text($0.name))" }
}

/// The text without the name of the scratch folder that it was made in.
private func withoutScratch(_ text: String) -> String {
    var parts = text.split(separator: "stackup-store-test.", omittingEmptySubsequences: false)
    for later in parts.indices.dropFirst() { parts[later] = parts[later].dropFirst(6) }
    return parts.joined(separator: "…")
}

/// The state, with a store that must go on from there: it takes a commit, and sweeps up what was left.
func stateAndGoingOn(of scratch: Scratch) throws -> [String] {
    let before = try state(of: scratch)
    #expect(try SecretStore.verify(scratch.location, with: StoreUnlocker())?.damages ?? [] == [])
    let store = try SecretStore.openOrCreate(scratch.location)
    try store.create(["afterwards": "works"])
    let after = try state(of: scratch)
    #expect(after.filter { !$0.contains("afterwards") && !$0.contains("initialised") } == before.filter { !$0.contains("initialised") })
    #expect(scratch.logs.count == 1)
    let snapshot = try store.snapshot()
    #expect(scratch.objects.count == snapshot.secrets().map(\.versions.count).reduce(0, +) + snapshot.stackNames.count)
    return before
}
