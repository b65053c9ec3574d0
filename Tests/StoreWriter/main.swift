// Does to a store what a test asks for, in a process that the test can kill, limit or trace.
//
//     StoreWriter FOLDER KEYFILE create            makes the store
//     StoreWriter FOLDER KEYFILE change            one commit with a step of every kind
//     StoreWriter FOLDER KEYFILE apply NAME PATH   as if a stack had been started that has a secret from a file
//     StoreWriter FOLDER KEYFILE rotate NAME N     N commits, each with a new version
//     StoreWriter FOLDER KEYFILE flicker NAME N    N times: creates a secret, then removes it
//     StoreWriter FOLDER KEYFILE hold N            reads a secret N times, as a poor user, and keeps the values
//     StoreWriter FOLDER KEYFILE sample            makes the store and fills it with a little of everything
//     StoreWriter FOLDER KEYFILE stress NUMBER SECONDS   works beside others of its kind, and says what it saw
//     StoreWriter FOLDER KEYFILE rekey             seals everything anew
//     StoreWriter FOLDER KEYFILE add-slot PATH     adds a slot with a key file
//     StoreWriter FOLDER KEYFILE remove-slot       removes the newest slot
//     StoreWriter FOLDER KEYFILE backup PATH       writes a backup
//     StoreWriter FOLDER KEYFILE restore PATH      puts a backup in the place of the store
//     StoreWriter FOLDER KEYFILE sealing           says how fast the store seals, and libsodium, in MB/s
//     StoreWriter FOLDER KEYFILE harden            keeps its memory to itself, and ends
//     StoreWriter FOLDER KEYFILE fill N            one commit with N new secrets; says how long it took
//     StoreWriter FOLDER KEYFILE measure           times opening, reading and committing
//
// sched_yield(2), which nothing else calls, marks in a trace where the work begins and ends.
import Glibc
import Linux
import SecretMemory
import SecretStore

func secret(_ text: String) throws -> SecretBytes {
    try SecretSourceReader.environmentValue(text, name: "TEXT")
}

func complain(_ text: String) {
    let line = Array("StoreWriter: \(text)\n".utf8)
    write(2, line, line.count)
}

func report(_ what: String, since start: ContinuousClock.Instant) {
    let elapsed = start.duration(to: .now).components
    let microseconds = elapsed.seconds * 1_000_000 + elapsed.attoseconds / 1_000_000_000_000
    print("\(what): \(Double(microseconds) / 1000) ms")
}

let arguments = CommandLine.arguments
guard arguments.count >= 4 else {
    complain("usage: StoreWriter FOLDER KEYFILE COMMAND [ARGUMENT…]")
    exit(64)
}
let location = StoreLocation(directory: arguments[1], keyFile: arguments[2])

do {
    switch (arguments[3], arguments[4...].first, arguments.last.flatMap { Int($0) }) {
    case ("create", _, _):
        sched_yield()
        _ = try SecretStore.openOrCreate(location)
        sched_yield()
    case ("change", _, _):
        guard let store = try SecretStore.open(location) else { exit(1) }
        var changes = StoreChanges()
        changes.addVersion(of: "kept", source: "file new", value: try secret("kept: new value"))
        changes.removeSecret("removed")
        for name in ["first", "second"] {
            changes.createSecret(name, source: "file \(name)", value: try secret("\(name): value"))
        }
        changes.putStackRecord("web", Array("new record".utf8))
        changes.removeStackRecord("old")
        sched_yield()
        try store.commit(changes)
        sched_yield()
    case ("apply", let name?, _):
        guard let store = try SecretStore.open(location), let path = arguments.last else { exit(1) }
        let record = """
            {"format":4,"workingDirectory":"/","composeFiles":[],"services":{},\
            "surroundings":{"serviceNames":[],"privatePaths":[],"plaintextSources":[],"hiddenPaths":[],"writableFolders":[]},\
            "secrets":{"\(name)":{"key":"\(name)","place":{"file":{"_0":"\(path)"}},"labels":{}}}}
            """
        var changes = StoreChanges()
        changes.putStackRecord("web", Array(record.utf8))
        try store.commit(changes)
    case ("rotate", let name?, let count?):
        guard let store = try SecretStore.open(location) else { exit(1) }
        for _ in 0..<count {
            var changes = StoreChanges()
            changes.addVersion(of: name, source: "test", value: try secret("value by \(getpid())"))
            try store.commit(changes)
        }
    case ("flicker", let name?, let count?):
        guard let store = try SecretStore.open(location) else { exit(1) }
        for round in 0..<count {
            var changes = StoreChanges()
            changes.createSecret(name, source: "test", value: try secret("flickering \(round)"))
            try store.commit(changes)
            changes = StoreChanges()
            changes.removeSecret(name)
            try store.commit(changes)
        }
    case ("hold", _, let count?):
        guard let store = try SecretStore.open(location) else { exit(1) }
        _ = try store.snapshot()
        var little = rlimit(rlim_cur: 65536, rlim_max: 65536)
        guard setrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &little) == 0 else { exit(2) }
        // Root's capabilities would lift the limit. The store's files are not ours any more, but one value read is enough.
        let value = try store.read("kept")
        if geteuid() == 0, setuid(65534) != 0 { exit(2) }
        final class Held {
            let bytes: SecretBytes
            init(_ bytes: consuming SecretBytes) { self.bytes = bytes }
        }
        var held: [Held] = []
        for _ in 0..<count { held.append(Held(try value.withUnsafeBytes { try SecretBytes(copying: $0) })) }
        guard held.allSatisfy({ $0.bytes.equalsInConstantTime(value) }) else { exit(3) }
        print("held \(held.count)")
    case ("sample", _, _):
        try makeSample(in: SecretStore.openOrCreate(location))
    case ("stress", let number?, let seconds?):
        var stress = Stress(location, number: Int(number) ?? 0)
        try stress.run(seconds: seconds)
    case ("rekey", _, _):
        guard let store = try SecretStore.open(location) else { exit(1) }
        sched_yield()
        try store.rekey()
        sched_yield()
    case ("add-slot", let path?, _):
        guard let store = try SecretStore.open(location) else { exit(1) }
        sched_yield()
        try store.addSlot(.keyFile(path))
        sched_yield()
    case ("remove-slot", _, _):
        guard let store = try SecretStore.open(location), let slot = store.slots().last else { exit(1) }
        sched_yield()
        try store.removeSlot(slot.id, provingBy: StoreUnlocker())
        sched_yield()
    case ("backup", let path?, _):
        guard let store = try SecretStore.open(location) else { exit(1) }
        sched_yield()
        try store.backup(to: path, replacing: true)
        sched_yield()
    case ("restore", let path?, _):
        let file = try FileDescriptor.open(path, O_RDONLY)
        sched_yield()
        try Restoration(replaces: true, unlocker: StoreUnlocker()).restore(file, name: path, to: location)
        sched_yield()
    case ("sealing", _, _):
        let rate = try SealingRate().measure()
        print(rate.store, rate.libsodium)
    case ("harden", _, _):
        hardenProcess()
    case ("fill", _, let count?):
        let store = try SecretStore.openOrCreate(location)
        var changes = StoreChanges()
        for number in 0..<count {
            changes.createSecret(
                "project_secret_\(number)", source: "file ./secrets/secret_\(number).txt",
                value: try secret("the value of secret \(number)"))
        }
        let start = ContinuousClock.now
        try store.commit(changes)
        report("commit \(count)", since: start)
    case ("measure", _, _):
        for _ in 0..<5 {
            let start = ContinuousClock.now
            _ = try SecretStore.open(location)!.read("project_secret_7")
            report("open and read one", since: start)
        }
        for round in 0..<5 {
            var changes = StoreChanges()
            changes.addVersion(of: "project_secret_7", source: "test", value: try secret("another \(round)"))
            let start = ContinuousClock.now
            try SecretStore.open(location)!.commit(changes)
            report("open and commit one", since: start)
        }
        let store = try SecretStore.open(location)!
        var start = ContinuousClock.now
        let names = try store.snapshot().secrets().map(\.name)
        report("list all \(names.count)", since: start)
        start = .now
        for name in names.prefix(1000) { _ = try store.read(name) }
        report("read \(min(names.count, 1000))", since: start)
    default:
        complain("unknown command")
        exit(64)
    }
} catch {
    complain("\(error)")
    exit(1)
}
