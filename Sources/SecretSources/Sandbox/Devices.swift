import Glibc
import Linux

/// What of `/dev` there is in the sandbox: no disks, which hold the store, no memory, and no terminals.
enum Devices {
    /// Security keys and TPMs hold keys of `age`, `gpg` and systemd. `tty` is the terminal of whoever opens it; in here nobody has one.
    private static let always = ["null", "zero", "full", "random", "urandom", "tty", "bus/usb"]
    private static let kinds = ["tpm", "hidraw"]

    /// Those that this machine may have, as paths below `/dev`.
    static func names() -> [String] {
        guard let folder = try? FileDescriptor.open("/dev", O_RDONLY | O_DIRECTORY) else { return [] }
        return always + DirectoryListing.names(in: folder.number).filter { name in kinds.contains { name.hasPrefix($0) } }
    }
}
