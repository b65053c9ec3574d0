import Glibc
import Linux

/// A file of a control group: a few words, written and read at once.
enum ControlFile {
    static func write(_ text: String, to path: String) throws(SystemCallError) {
        let file = try FileDescriptor.open(path, O_WRONLY)
        let number = file.number
        let bytes = Array(text.utf8)
        // In one call: the kernel takes each for a value of its own.
        try retryingInterrupts("write '\(text)'", on: path) { Int32(clamping: Glibc.write(number, bytes, bytes.count)) }
    }

    /// nil where it can't be read.
    static func read(_ path: String) -> String? {
        guard let file = try? FileDescriptor.open(path, O_RDONLY), let bytes = try? file.readAll(limit: 1 << 20) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A file of one number; nil also for `max`.
    static func number(_ path: String) -> Int64? { read(path).flatMap { Int64($0.trimmingNewline) } }

    /// One of `name number` lines.
    static func number(_ name: String, in path: String) -> Int64? {
        for line in read(path)?.split(separator: "\n") ?? [] {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == name { return Int64(words[1]) }
        }
        return nil
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
}

extension String {
    fileprivate var trimmingNewline: Substring { hasSuffix("\n") ? dropLast() : self[...] }
}
