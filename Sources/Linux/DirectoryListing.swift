import Glibc

/// What a directory holds.
public enum DirectoryListing {
    /// The names in the directory but `.` and `..`, in no order; none where it cannot be read.
    public static func names(in directory: Int32) -> [String] {
        bytes(in: directory).map(text)
    }

    /// A name to be shown.
    static func text(_ name: [CChar]) -> String {
        String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    /// The same as the kernel has them, ended by a NUL: a name need not be text.
    public static func bytes(in directory: Int32) -> [[CChar]] {
        var names: [[CChar]] = []
        forEach(in: directory) { names.append($0) }
        return names
    }

    /// Calls `body` with each of them in turn, which may remove it: however many there are, they need no memory.
    static func forEach(in directory: Int32, _ body: ([CChar]) -> Void) {
        // A description of its own: readdir(3) moves the offset.
        guard let own = try? FileDescriptor.open(".", in: directory, O_RDONLY | O_DIRECTORY) else { return }
        guard let stream = fdopendir(own.release()) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
            }
            let dot = CChar(UInt8(ascii: "."))
            if name != [dot, 0], name != [dot, dot, 0] { body(name) }
        }
    }
}
