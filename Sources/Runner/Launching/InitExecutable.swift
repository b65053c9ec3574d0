import CLinux
import Glibc
import Linux

/// `stackup-init`, ready to be executed by descriptor.
///
/// It is a sealed copy in memory: a service that gets hold of `/proc/PID/exe` of an init that runs as the same
/// user can then not write to the file on the host (the way out of runc in CVE-2019-5736).
struct InitExecutable: ~Copyable {
    let descriptor: FileDescriptor

    init(_ path: String) throws(LaunchError) {
        do {
            let file = try FileDescriptor.open(path, O_RDONLY)
            descriptor = FileDescriptor(
                owning: try retryingInterrupts("memfd_create", on: path) { clinux_sealed_copy(file.number, "stackup-init") })
        } catch {
            throw LaunchError("stackup-init cannot be read: \(error)")
        }
    }

    /// Starts it with the descriptors given, numbered from 0.
    ///
    /// - Parameter group: whose v2 part it is born into; nil: our own. The rest it joins by itself.
    /// - Returns: the pid and a pidfd.
    func spawn(
        _ descriptors: [Int32], namespaces: UInt64, keepingCapabilities: Bool, into group: CgroupEntrance? = nil
    ) throws(SystemCallError) -> (pid: Int32, pidfd: Int32) {
        let list = descriptors.enumerated().map { clinux_descriptor(source: $1, number: Int32($0)) }
        var pidfd: Int32 = -1
        let pid = clinux_spawn(
            descriptor.number, "stackup-init", namespaces, list, Int32(list.count), keepingCapabilities ? 1 : 0, group?.unified ?? -1, &pidfd)
        guard pid >= 0 else { throw SystemCallError("clone", "stackup-init") }
        return (pid, pidfd)
    }
}
