import CLinux

/// Exchanging what lies at two names of a folder, at once (renameat2(2), `RENAME_EXCHANGE`).
///
/// - Throws: `EINVAL` where the file system can't do that; `EBUSY` where one of them is a mount point.
public func exchange(_ first: String, _ second: String, in folder: Int32) throws(SystemCallError) {
    try retryingInterrupts("renameat2", on: first) { clinux_exchange(folder, first, second) }
}

/// Renaming in a folder, unless something lies there (renameat2(2), `RENAME_NOREPLACE`).
///
/// - Throws: `EEXIST` where something does.
public func rename(_ name: String, toFree other: String, in folder: Int32) throws(SystemCallError) {
    try retryingInterrupts("renameat2", on: name) { clinux_rename_to_free(folder, name, other) }
}
