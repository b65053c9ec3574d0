import Glibc
import Linux
import Reconciler
import Runner
import SecretStore

extension Invocation {
    /// Writes into the log that rights ended while the store was locked, or while no command was there: those that it says are there, of
    /// services and one-offs that have no such file any more. A command goes on without that.
    func logEndedGrants(_ store: SecretStore) {
        do {
            try carryUnloggedSigns()
            try store.settleUnlogged(endedGrants)
        } catch {
            streams.warn("the store's log does not yet tell of services and one-offs that ended meanwhile: \(error)")
        }
    }

    /// Has the log tell of what has just ended: at once where the store opens without a person, otherwise when it is opened next.
    func logEndedGrantsUnasked() {
        do {
            try carryUnloggedSigns()
            _ = try openStoreUnasked()
            forgetKeys()
        } catch StoreError.locked {
            return
        } catch {
            streams.warn("the store's log does not yet tell of what has ended: \(error)")
        }
    }

    /// Takes signs of supervisors into the store's folder, where they outlive the stacks. That takes no key.
    func carryUnloggedSigns() throws {
        guard let folder = try PrivateFolder.open(paths.runtimeRoot, create: false) else { return }
        var failure: (any Error)?
        for stack in DirectoryListing.names(in: folder.descriptor.number) {
            let directories = paths.directories(of: stack, in: paths.runtimeRoot)
            guard UnloggedSign.isThere(directories) else { continue }
            do {
                try SecretStore.leaveUnloggedSign(paths.store)
                try UnloggedSign.remove(directories)
                // Another command may have settled the first one, and then something may have ended that left the second one as it was.
                try SecretStore.leaveUnloggedSign(paths.store)
                // It may be all that a supervisor has left, which ended with its last one-off.
                rmdir(directories.runtime)
            } catch {
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
    }

    /// How long a supervisor has for an answer, in milliseconds.
    private static let patience: Int32 = 1000

    /// - Parameter told: by the log.
    /// - Returns: and whether that is all: of a stack that another command works on, of one that runs and doesn't say what it has, and of one
    ///   that runs for commands with another environment nothing is known yet.
    private func endedGrants(_ told: [AuditEvent]) throws -> (events: [AuditEvent], isAll: Bool) {
        var ended: [AuditEvent] = []
        var isAll = true
        for (stack, grants) in Dictionary(grouping: told.standingGrants, by: \.stack) {
            let directories = paths.directories(of: stack)
            if try runsElsewhere(stack) {
                isAll = false
                continue
            }
            // An `up` says what it grants before it gives it. (This command may be the one that works on the stack; the next one sees to it then.)
            let lock = try RuntimeLock.acquireIfPresent(directories, command: commandName, onWait: nil)
            if lock == nil, access(directories.runtime, F_OK) == 0 {
                isAll = false
                continue
            }
            defer { withExtendedLifetime(lock) {} }
            var files: Set<[String]> = []
            if let supervisor = try SupervisorClient.connect(directories) {
                try supervisor.askForState()
                // What is no command's own business must not keep it waiting.
                var wanted = pollfd(fd: supervisor.descriptor, events: Int16(POLLIN), revents: 0)
                guard poll(&wanted, 1, Self.patience) == 1 else {
                    isAll = false
                    continue
                }
                for mount in try supervisor.observe().mounts {
                    for file in mount.files where file.kind == .secret { files.insert([file.name, "\(mount.service):\(file.target)"]) }
                }
            } else if try StackRemains.hasLiveInstances(directories) {
                isAll = false
                continue
            }
            ended += grants.filter { !files.contains([$0.secret, $0.detail]) }
        }
        let events = ended.sorted { ($0.stack, $0.detail, $0.secret) < ($1.stack, $1.detail, $1.secret) }.map {
            AuditEvent(.revoked, secret: $0.secret, stack: $0.stack, detail: $0.detail)
        }
        return (events, isAll)
    }

    /// Whether a stack runs where commands with another environment look for it.
    private func runsElsewhere(_ stack: String) throws -> Bool {
        try paths.otherRuntimeRoots.contains { root in
            let directories = paths.directories(of: stack, in: root)
            guard access(directories.runtime, F_OK) == 0 else { return false }
            return try SupervisorClient.connect(directories) != nil || StackRemains.hasLiveInstances(directories)
        }
    }
}

extension [AuditEvent] {
    /// The rights that were given and not taken since.
    fileprivate var standingGrants: [AuditEvent] {
        var standing: [[String]: AuditEvent] = [:]
        for event in self {
            switch event.kind {
            case .granted: standing[[event.stack, event.secret, event.detail]] = event
            case .revoked: standing[[event.stack, event.secret, event.detail]] = nil
            default: break
            }
        }
        return Array(standing.values)
    }
}
