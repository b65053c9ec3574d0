import Glibc
import Linux

/// What a directory holds, read through a descriptor rather than a path.
enum DirectoryListing {
    /// The names in the directory but `.` and `..`, in no order; none where it cannot be read.
    static func names(in directory: Int32) -> [String] {
        // A description of its own: readdir(3) moves the offset.
        guard let own = try? FileDescriptor.open(".", in: directory, O_RDONLY | O_DIRECTORY) else { return [] }
        guard let stream = fdopendir(own.release()) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }
}
