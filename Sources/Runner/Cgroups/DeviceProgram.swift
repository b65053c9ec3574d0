import CLinux
import Glibc
import Linux

/// What v2 has in the place of v1's `devices.deny`: a program of the kernel's that decides for a group.
enum DeviceProgram {
    /// Whether this process may have one, and the kernel knows them.
    static let isPossible: Bool = {
        let program = clinux_device_program(nil, 0, 0)
        guard program >= 0 else { return false }
        close(program)
        return true
    }()

    /// As many rules as a program has room for.
    static let mostRules = Int(CLINUX_DEVICE_RULES)

    /// Has a group's processes refused what the rules say, or all that the rules don't say.
    ///
    /// - Parameters:
    ///   - rules: as ``ResourceControls/deniedDevices``, or ``ResourceControls/allowedDevices``.
    ///   - areAllowed: which of the two they are.
    /// - Throws: for a rule that can't be read as well: without it, more would be allowed.
    static func attach(_ rules: [String], areAllowed: Bool, to folder: String) throws(SystemCallError) {
        var program: [clinux_device_rule] = []
        for text in rules {
            guard let rule = rule(text) else { throw SystemCallError("bpf", "the device rule '\(text)'", code: EINVAL) }
            program.append(rule)
        }
        let group = try FileDescriptor.open(folder, O_RDONLY | O_DIRECTORY)
        let made = FileDescriptor(
            owning: try retryingInterrupts("bpf", on: folder) { clinux_device_program(program, Int32(program.count), areAllowed ? 1 : 0) })
        let (programNumber, groupNumber) = (made.number, group.number)
        try retryingInterrupts("bpf", on: folder) { clinux_attach_device_program(programNumber, groupNumber) }
    }

    /// `c 1:5 w`, `b *:* m`
    private static func rule(_ text: String) -> clinux_device_rule? {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, let kind = kinds[String(words[0])] else { return nil }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = number(numbers[0]), let minor = number(numbers[1]) else { return nil }
        var access: UInt32 = 0
        for letter in words[2] {
            guard let bit = accesses[letter] else { return nil }
            access |= bit
        }
        guard access != 0 else { return nil }
        return clinux_device_rule(kind: kind, major: major, minor: minor, access: access)
    }

    private static let kinds = ["b": UInt32(CLINUX_DEVICE_BLOCK), "c": UInt32(CLINUX_DEVICE_CHARACTER)]
    private static let accesses: [Character: UInt32] = [
        "m": UInt32(CLINUX_DEVICE_MAKE), "r": UInt32(CLINUX_DEVICE_READ), "w": UInt32(CLINUX_DEVICE_WRITE),
    ]

    private static func number(_ text: Substring) -> UInt32? {
        if text == "*" { return UInt32(CLINUX_DEVICE_ANY) }
        // Numbers of devices have 32 bits together (makedev(3)).
        return UInt32(text).flatMap { $0 < UInt32(CLINUX_DEVICE_ANY) ? $0 : nil }
    }
}
