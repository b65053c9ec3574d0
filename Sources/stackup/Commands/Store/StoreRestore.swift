import Glibc
import Linux
import SecretStore
import Terminal

/// `stackup store restore FILE|-`.
enum StoreRestore {
    static let command = Command(
        "restore", summary: "Put a backup in the place of the store",
        discussion: """
            The backup is unpacked beside the store and checked as a whole before anything is replaced. It opens by the key slots that the store had when it
            was made, and so does the store from then on. What was stored since is lost: running services keep what they have, and the next 'up' gives them
            what the restored store has.
            """,
        examples: [
            .init("stackup store restore /mnt/backup/store.backup", "where there is no store, on a new machine"),
            .init("stackup store restore --force store.backup", "in the place of the store that is there"),
            .init("stackup store restore --keyfile /media/stick/key store.backup", "with a key file that is elsewhere"),
        ],
        options: [
            .flag("force", short: "f", help: "Replace the store that is there"),
            .value("keyfile", "PATH", help: "A key file that opens the backup"),
        ], arguments: [.init("FILE|-")])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let operand = invocation.operands[0]
        let file: FileDescriptor
        if operand == "-" {
            file = FileDescriptor(owning: fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3))
        } else {
            do {
                file = try FileDescriptor.open(Paths.join(invocation.workingDirectory, operand), O_RDONLY | O_NONBLOCK | O_NOCTTY)
            } catch {
                throw CommandFailure("\(operand): \(String(cString: strerror(error.code)))")
            }
        }
        let restoration = Restoration(replaces: invocation.flag("force"), unlocker: invocation.unlockerByOption(), onWait: invocation.noteWaitForRenewals)
        let store = try restoration.restore(file, name: operand == "-" ? "standard input" : operand, to: invocation.paths.store)
        let facts = try store.facts()
        invocation.streams.note("\(counted(facts.secrets, "secret")) \(facts.secrets == 1 ? "was" : "were") restored; these open the store now:")
        for slot in store.slots() { invocation.streams.print("\(slot.id.prefix(12))  \(slot.kind)") }
        return 0
    }
}
