import Glibc
import Linux

/// The mounts that the calling thread sees (proc_pid_mountinfo(5)).
enum MountTable {
    /// Where filesystems of a type are mounted, a chroot's mounts included.
    static func places(ofType type: String) throws(SystemCallError) -> [String] {
        let file = try FileDescriptor.open("/proc/thread-self/mountinfo", O_RDONLY)
        return try places(ofType: type, in: try file.readAll() ?? [])
    }

    /// - Parameter table: the file's content.
    static func places(ofType type: String, in table: [UInt8]) throws(SystemCallError) -> [String] {
        var places: [String] = []
        for line in table.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            // Optional fields end with a hyphen; the type comes after it.
            guard fields.count > 6, let hyphen = fields[6...].firstIndex(where: { $0.elementsEqual("-".utf8) }),
                hyphen + 1 < fields.count, fields[hyphen + 1].elementsEqual(type.utf8)
            else { continue }
            guard let place = String(validating: unescaped(fields[4]), as: UTF8.self) else {
                throw SystemCallError("mount point", String(decoding: fields[4], as: UTF8.self), code: EILSEQ)
            }
            places.append(place)
        }
        return places
    }

    /// Spaces, tabs, newlines and backslashes are written as three octal digits.
    private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            guard byte == backslash, let code = UInt8(String(decoding: rest.prefix(3), as: UTF8.self), radix: 8) else {
                bytes.append(byte)
                continue
            }
            bytes.append(code)
            rest = rest.dropFirst(3)
        }
        return bytes
    }
}
