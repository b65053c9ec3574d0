import Glibc
import JSON
import Linux

/// Values in files, as JSON.
extension PrivateFolder {
    /// The value in a file of this folder; nil where it is missing or not readable as one.
    func read<T: Decodable>(_ type: T.Type, from name: String) -> T? {
        readBytes(from: name).flatMap { try? JSON.decode(type, from: $0) }
    }

    /// The bytes of a file of this folder; nil where it is missing.
    func readBytes(from name: String) -> [UInt8]? {
        guard let file = try? FileDescriptor.open(
            name, in: descriptor.number, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolution: [.noSymlinks, .beneath])
        else { return nil }
        return (try? file.readAll(limit: 64 << 20)) ?? nil
    }

    /// Replaces a file of this folder: a reader sees the old or the new one.
    func write(_ value: some Encodable, to name: String) throws { try replace(name, with: try JSON.encode(value)) }

    /// The same for a value that says itself how it is written.
    func write(_ value: some JSONConvertible, to name: String) throws { try replace(name, with: JSON.encode(value)) }

    private func replace(_ name: String, with bytes: [UInt8]) throws {
        let temporary = ".\(name).new"
        let number = descriptor.number
        do {
            let file = try FileDescriptor.open(
                temporary, in: number, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: 0o600,
                resolution: [.noSymlinks, .beneath])
            try file.writeAll(bytes)
        }
        try retryingInterrupts("renameat", on: "\(path)/\(name)") { renameat(number, temporary, number, name) }
    }
}
