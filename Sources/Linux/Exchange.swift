import CLinux

/// Exchanging what lies at two names of a folder, at once (renameat2(2), `RENAME_EXCHANGE`).
///
/// - Throws: `EINVAL` where the file system can't do that; `EBUSY` where one of them is a mount point.
public func exchange(_ first: String, _ second: String, in folder: Int32) throws(SystemCallError) {
    try retryingInterrupts("renameat2", on: first) { clinux_exchange(folder, first, second) }
}
