import Glibc
import Linux

/// The services that a person has stopped and whose policy is `unless-stopped`: the host's next start is to leave them alone.
///
/// It is a file beside the stack's logs, since the runtime folder doesn't outlive a boot: the names, as a JSON list. The supervisor writes it,
/// whichever command has asked for the stop. `down` removes it with the logs.
public enum StoppedServices {
    static let fileName = "stopped"

    /// Those of a stack, whether it runs or not.
    public static func of(_ directories: StackDirectories) throws(SupervisionError) -> Set<String> {
        try RuntimeDirectory.openPrivate(directories.logs, create: false).map(read) ?? []
    }

    static func read(in logs: PrivateFolder) -> Set<String> { Set(logs.read([String].self, from: fileName) ?? []) }

    static func write(_ services: Set<String>, in logs: PrivateFolder) throws {
        if services.isEmpty {
            unlinkat(logs.descriptor.number, fileName, 0)
        } else {
            try logs.write(services.sorted(), to: fileName)
        }
    }

    /// Has it outlive a loss of power. For commands: the supervisor waits for no disk.
    static func sync(_ directories: StackDirectories) throws(SupervisionError) {
        guard let logs = try RuntimeDirectory.openPrivate(directories.logs, create: false) else { return }
        if let file = try? FileDescriptor.open(fileName, in: logs.descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) { fsync(file.number) }
        fsync(logs.descriptor.number)
    }
}

extension StackSupervisor {
    /// What is to be remembered now. A service without any instance is as it was: it has not been brought up since the host started.
    func updateStoppedServices() {
        var running = Set<String>()
        var stopped = Set<String>()
        for instance in instances.all {
            let service = instance.name.service
            let isStopped = instance.stoppedByUser && !instance.isAlive && services[service]?.traits.restart == .unlessStopped
            _ = isStopped ? stopped.insert(service) : running.insert(service)
        }
        stoppedServices = stoppedServices.union(stopped).subtracting(running)
    }
}

extension SupervisorClient {
    /// Has what was stopped be remembered whatever happens to the host: once ``stop(services:timeoutMilliseconds:byHost:onEvent:)`` has returned,
    /// it is written.
    public func keepStopsThroughPowerFailure() throws(SupervisionError) { try StoppedServices.sync(directories) }
}
