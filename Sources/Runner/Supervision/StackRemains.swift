import Glibc
import Linux

/// What is left of a stack whose supervisor does not run.
public enum StackRemains {
    /// Whether instances of the stack still run, for a new supervisor to adopt.
    /// - Throws: ``SupervisionError`` where the directory is not to be trusted.
    public static func hasLiveInstances(_ directories: StackDirectories) throws(SupervisionError) -> Bool {
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false), directory.hasRun else { return false }
        return PredecessorRecord.read(from: directory)?.liveProcess != nil || !StrayInstances.find(in: directory).isEmpty
    }

    /// Removes the stack's runtime directory and logs; parents go too where they are empty then.
    ///
    /// For a caller who holds the stack's ``RuntimeLock`` and has seen that nothing runs.
    /// - Throws: ``SupervisionError`` where a directory is not to be trusted.
    public static func remove(_ directories: StackDirectories) throws(SupervisionError) {
        try removeLogs(directories.logs)
        try RuntimeDirectory.open(directories.runtime, create: false)?.removeAll()
    }

    static func removeLogs(_ path: String) throws(SupervisionError) {
        guard let logs = try RuntimeDirectory.openPrivate(path, create: false) else { return }
        RuntimeDirectory.empty(logs.number, depth: 0)
        RuntimeDirectory.removeIfEmpty(path)
    }
}
