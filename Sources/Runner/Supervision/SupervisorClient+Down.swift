import CLinux
import Glibc

extension SupervisorClient {
    /// Stops and removes instances; with all of them go the stack's runtime directory, its logs and its supervisor.
    ///
    /// - Parameters:
    ///   - services: nil for all.
    ///   - timeoutMilliseconds: how long each may take before it is killed; nil: the service's own.
    ///   - onEvent: hears what happens on the way.
    public func down(
        services: [String]? = nil, timeoutMilliseconds: Int64? = nil, onEvent: (InstanceEvent) -> Void = { _ in }
    ) throws(SupervisionError) {
        try takeDown(services: services, timeoutMilliseconds: timeoutMilliseconds, onEvent: onEvent)?.wait()
    }

    /// The same, for a caller with other work to do.
    ///
    /// - Parameter meanwhile: done while they end.
    /// - Returns: the supervisor's own end, where that ends with them: it has answered, and only clears up.
    public func takeDown(
        services: [String]? = nil, timeoutMilliseconds: Int64? = nil, onEvent: (InstanceEvent) -> Void = { _ in }, meanwhile: () -> Void = {}
    ) throws(SupervisionError) -> SupervisorEnd? {
        let end = services == nil ? SupervisorEnd(of: try supervisorProcess()) : nil
        try send(.down(services: services, timeoutMilliseconds: timeoutMilliseconds))
        meanwhile()
        try finish(onEvent)
        return end
    }

    /// A pidfd of the supervisor; -1 where it is gone.
    private func supervisorProcess() throws(SupervisionError) -> Int32 {
        let directory = try RuntimeDirectory.open(directories.runtime, create: false)
        let recorded = directory?.read(SupervisorRecord.self, from: RuntimeDirectory.supervisorRecordName)?.process.pid
        if let recorded { return clinux_pidfd_open(recorded) }
        // One that has just been started has not written who it is.
        guard let pid = try observe().supervisorPID else { return -1 }
        return clinux_pidfd_open(pid)
    }
}

/// The end of a supervisor that has taken its stack down.
public final class SupervisorEnd {
    private let process: Int32

    fileprivate init(of process: Int32) { self.process = process }

    deinit {
        if process >= 0 { close(process) }
    }

    /// Waits until it is gone: that the kernel takes a while to clear up after it is no reason to be seen still. Not for long, if it should hang.
    public func wait() {
        var end = pollfd(fd: process, events: Int16(POLLIN), revents: 0)
        if process >= 0 { poll(&end, 1, Self.patience) }
    }

    /// In milliseconds.
    private static let patience: Int32 = 5000
}
