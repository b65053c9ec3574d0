import Reconciler

/// What ``StackSupervisor`` carries its decisions out with: the kernel in earnest, a fake in its tests.
///
/// No method calls back: what comes of them is reported later, from the event loop.
protocol InstanceHost: AnyObject {
    /// Starts an instance; that its command runs, or doesn't, and its end are reported later.
    ///
    /// - Parameter caller: who waits for a one-off; nil: nobody does.
    /// - Throws: an error whose description tells a person why it could not be started.
    func launch(_ plan: LaunchPlan, in surroundings: StackSurroundings, as instance: InstanceName, for caller: InstanceCaller?) throws -> ProcessIdentity
    /// No launch follows at once: what was kept for the next one can go.
    func endLaunches()
    /// Sends a signal to an instance's command; SIGKILL ends the whole instance.
    func signal(_ instance: InstanceName, _ signal: Int32)
    /// Runs a further command in an instance; its end is reported later, under the number given.
    /// - Throws: an error whose description tells a person why it could not be started.
    func run(_ command: InstanceCommand, in instance: InstanceName, as id: UInt64) throws
    /// Kills a command with what it has started.
    func end(command id: UInt64)
    /// Freezes every process of an instance.
    /// - Throws: an error whose description tells a person why it could not be done.
    func freeze(_ instance: InstanceName) throws
    func thaw(_ instance: InstanceName) throws
    /// The folders of an instance's control group; nil where it has none.
    func groups(of instance: InstanceName) -> [String]?
    /// Removes what was made for control groups: no instance is left.
    func removeGroups()
    /// Removes what is kept of an instance that has ended: log and exit status.
    func forget(_ instance: InstanceName)

    /// What a service's tmpfs holds; nil where it has none.
    func mountedFiles(of service: String) -> [MountedFile]?
    /// One of those; nil where there is none.
    func mountedFile(of service: String, at target: String) -> MountedFile?
    /// Puts a file in place, atomically, for a service and its running instances (pids).
    func write(_ file: MountedFile, bytes: UnsafeRawBufferPointer, of service: String, instances: [Int32]) throws
    func remove(_ file: MountedFile, of service: String, instances: [Int32]) throws
    /// Covers again what is not covered in an instance, and keeps the folders `pins` from being renamed by it.
    func remask(_ paths: [String], pins: [String], of service: String, instance: Int32)
    /// Real paths with the other ones by which the host's mounts lead there.
    func withAliases(_ paths: [String]) -> [String]
    /// Watches these paths instead of those before: that another file has come to lie at one is reported later.
    func watch(_ paths: [String])
    /// Leaves a service's tmpfs to its instances, which are about to end for good: it goes with the last of them, and nothing is written to it
    /// any more.
    func releaseMount(of service: String)
    /// Gives a service's tmpfs back.
    func discardMount(of service: String)
}
