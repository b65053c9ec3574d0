import Glibc
import Linux

/// What a supervisor that is gone has left of a stack.
public enum StackRemains {
    /// Whether instances of the stack still run although no supervisor does.
    public static func hasLiveInstances(_ directories: StackDirectories) throws(SupervisionError) -> Bool {
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false) else { return false }
        return directory.survivor() != nil || !StrayInstances.find(in: directory).isEmpty
    }

    /// Whether a successor has something to go on with: instances that still run, or, where the last supervisor was killed, others that have ended
    /// since. Of these somebody has to find out how, and whether they are to be started again.
    public static func needSuccessor(_ directories: StackDirectories) throws(SupervisionError) -> Bool {
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false) else { return false }
        let bootID = BootIdentity.current()
        // One that ends in order takes its own record away.
        if directory.read(SupervisorRecord.self, from: RuntimeDirectory.supervisorRecordName)?.bootID == bootID,
            let record = directory.predecessorRecord(bootID: bootID), record.bootID == bootID, !record.instances.isEmpty
        {
            return true
        }
        return try hasLiveInstances(directories)
    }

    /// A process in the namespaces that the stack's instances are started in: its supervisor, or what that has left running, whose namespaces its
    /// successor takes on; nil where the next supervisor makes its own.
    public static func namespaceHolder(_ directories: StackDirectories) throws(SupervisionError) -> Int32? {
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false) else { return nil }
        if let record = directory.read(SupervisorRecord.self, from: RuntimeDirectory.supervisorRecordName),
            record.bootID == BootIdentity.current(), record.process.isAlive
        {
            return record.process.pid
        }
        return directory.survivor()
    }

    /// Removes what the start of a supervisor that failed has left of a stack that did not run before, for a caller who holds its ``RuntimeLock``.
    public static func removeUnstarted(_ directories: StackDirectories) {
        guard let directory = (try? RuntimeDirectory.open(directories.runtime, create: false)) ?? nil, !directory.hasRun,
            directory.readBytes(from: RuntimeDirectory.supervisorRecordName) == nil
        else { return }
        // Of a new stack it is empty.
        if rmdir(directories.logs) == 0 { rmdir(Paths.directory(of: directories.logs)) }
        removeCgroups(directory)
        directory.removeAll()
    }

    /// What the last supervisor has written down of the stack, as it is; nil where there is nothing.
    public static func state(_ directories: StackDirectories) -> [UInt8]? {
        ((try? RuntimeDirectory.open(directories.runtime, create: false)) ?? nil)?.readBytes(from: RuntimeDirectory.stateRecordName)
    }

    /// Removes the folders of a stack of which nothing runs, for a caller who holds its ``RuntimeLock``.
    public static func remove(_ directories: StackDirectories) throws(SupervisionError) {
        try RuntimeDirectory.openPrivate(directories.logs, create: false)?.remove()
        guard let directory = try RuntimeDirectory.open(directories.runtime, create: false) else { return }
        removeCgroups(directory)
        directory.removeAll()
    }
}

extension RuntimeDirectory {
    /// What the last supervisor recorded; what is from before the last boot says nothing of what runs.
    func predecessorRecord(bootID: String) -> StateRecord? {
        guard var record = read(StateRecord.self, from: RuntimeDirectory.stateRecordName) else { return nil }
        if record.bootID != bootID {
            for index in record.services.indices { record.services[index].files = nil }
            for index in record.instances.indices {
                record.instances[index].pid = nil
                record.instances[index].startTime = nil
            }
        }
        return record
    }

    /// Pid 1 of an instance that still runs.
    func survivor() -> Int32? {
        for instance in predecessorRecord(bootID: BootIdentity.current())?.instances ?? [] {
            if let pid = instance.pid, let startTime = instance.startTime,
                ProcessIdentity(pid: pid, startTime: startTime).isAlive
            {
                return pid
            }
        }
        return nil
    }
}
