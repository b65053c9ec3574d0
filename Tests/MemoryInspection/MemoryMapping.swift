import Glibc
import Linux

/// A mapping of this process, as the kernel tells it (proc_pid_smaps(5)).
public struct MemoryMapping: Sendable {
    public let addresses: Range<UInt>
    /// Such as `rw-p`.
    public let permissions: String
    /// Such as `lo` (locked) and `dd` (left out of core dumps).
    public let flags: Set<String>

    /// The mapping that holds all of `bytes`, with those right below and above it; nil where there is none.
    public static func holding(_ bytes: UnsafeRawBufferPointer) -> (below: MemoryMapping?, own: MemoryMapping, above: MemoryMapping?)? {
        let first = UInt(bitPattern: bytes.baseAddress)
        let all = all()
        guard let own = all.first(where: { $0.addresses.contains(first) }), first + UInt(bytes.count) <= own.addresses.upperBound
        else { return nil }
        return (
            all.first { $0.addresses.upperBound == own.addresses.lowerBound }, own,
            all.first { $0.addresses.lowerBound == own.addresses.upperBound })
    }

    /// Whether this user may lock as much as some tests at once need.
    public static let canBeLocked: Bool = {
        var limit = rlimit()
        return getrlimit(__rlimit_resource_t(__RLIMIT_MEMLOCK.rawValue), &limit) == 0 && (geteuid() == 0 || limit.rlim_cur >= 8 << 20)
    }()

    private static func all() -> [MemoryMapping] {
        let bytes = (try? FileDescriptor.open("/proc/self/smaps", O_RDONLY).readAll()) ?? nil
        var mappings: [MemoryMapping] = []
        var header: [Substring] = []
        for line in String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0].contains("-") { header = words }
            guard words[0] == "VmFlags:" else { continue }
            let ends = header[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            mappings.append(
                MemoryMapping(addresses: ends[0]..<ends[1], permissions: String(header[1]), flags: Set(words.dropFirst().map(String.init))))
        }
        return mappings
    }
}
