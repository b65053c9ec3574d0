import Glibc
import Linux
import SecretStore
import Terminal

/// `stackup store backup`.
enum StoreBackup {
    static let command = Command(
        "backup", summary: "Write all of the store into one sealed file",
        discussion: """
            The state of one moment, while others go on writing. Any key slot that the store has now opens it: keep a key file apart from the backup,
            and remember the passphrase. The file has mode 0600, and appears whole or not at all.
            """,
        examples: [
            .init("stackup store backup -o /mnt/backup/store.backup", "into a file"),
            .init("stackup store backup -o - | ssh backup 'cat >store.backup'", "to another machine"),
        ],
        options: [
            .value("output", short: "o", "FILE|-", help: "Where to; '-' is standard output"),
            .flag("force", short: "f", help: "Replace a regular file that is there"),
        ])

    static func run(_ invocation: Invocation) throws -> Int32 {
        guard let output = invocation.value("output") else {
            throw invocation.arguments.usageError("nothing says where to", remedy: "give -o FILE, or -o - for standard output")
        }
        if output == "-", isTerminal(STDOUT_FILENO) {
            throw CommandFailure("a backup is nothing for a terminal; name a file with -o, or lead standard output elsewhere")
        }
        let store = try StoreCommand.open(invocation)
        let count: Int
        if output == "-" {
            count = try store.backup(to: FileDescriptor(owning: fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)))
        } else {
            count = try store.backup(to: Paths.join(invocation.workingDirectory, output), replacing: invocation.flag("force"))
        }
        invocation.streams.note("\(counted(count, "object")) \(count == 1 ? "was" : "were") backed up")
        return 0
    }
}
