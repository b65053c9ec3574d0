import Linux
import Reconciler

extension ObservedInstance {
    /// A pidfd of its pid 1, and of no other process; nil where it has just ended.
    public func openProcess() throws(LaunchError) -> FileDescriptor? {
        guard let pid, let startTime else { return nil }
        return try InstanceLauncher.pidfd(pid, startTime: startTime)
    }
}
