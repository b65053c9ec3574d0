import CLinux
import Glibc
import Linux

/// What v2 has in the place of v1's `devices.deny`: a program of the kernel's that decides for a group.
enum DeviceProgram {
    /// Whether this process may have one, and the kernel knows them.
    static let isPossible: Bool = {
        let program = clinux_device_program(nil, 0)
        guard program >= 0 else { return false }
        close(program)
        return true
    }()

    /// Has what the rules say refused to the processes of a group.
    ///
    /// - Parameter rules: as ``ResourceControls/deniedDevices``.
    static func deny(_ rules: [String], in folder: String) throws(SystemCallError) {
        let rules = rules.compactMap(rule)
        let group = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        let program = FileDescriptor(owning: try retryingInterrupts("bpf", on: folder) { clinux_device_program(rules, Int32(rules.count)) })
        let (programNumber, groupNumber) = (program.number, group.number)
        try retryingInterrupts("bpf", on: folder) { clinux_attach_device_program(programNumber, groupNumber) }
    }

    /// `c 1:5 w`
    private static func rule(_ text: String) -> clinux_device_rule? {
        let words = text.split { $0 == " " || $0 == ":" }
        guard words.count == 4, let major = UInt32(words[1]), let minor = UInt32(words[2]) else { return nil }
        let kind = words[0] == "b" ? CLINUX_DEVICE_BLOCK : CLINUX_DEVICE_CHARACTER
        let access = (words[3].contains("r") ? CLINUX_DEVICE_READ : 0) | (words[3].contains("w") ? CLINUX_DEVICE_WRITE : 0)
        return clinux_device_rule(kind: UInt32(kind), major: major, minor: minor, access: UInt32(access))
    }
}
