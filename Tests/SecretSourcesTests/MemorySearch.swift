import Glibc
import Linux
import SecretMemory

/// Looks for bytes in the memory of this process.
enum MemorySearch {
    private static let window = 1 << 20

    /// How often they stand in memory that can be written to and would be in a core dump, which guarded memory is not.
    static func count(of needle: borrowing SecretBytes) -> Int {
        let memory = FileDescriptor(owning: open("/proc/self/mem", O_RDONLY | O_CLOEXEC))
        // What is read must not be found again, so it goes to guarded memory, too.
        guard var buffer = try? SecretBytes(count: window + needle.count) else { preconditionFailure("there is no memory left") }
        var count = 0
        for range in ordinaryMemory() {
            var address = range.lowerBound
            while address < range.upperBound {
                let wanted = min(window + needle.count - 1, Int(range.upperBound - address))
                let got = buffer.withUnsafeMutableBytes { pread(memory.number, $0.baseAddress, wanted, off_t(address)) }
                if got > 0 { count += occurrences(of: needle, in: buffer, got) }
                address += UInt(window)
            }
        }
        return count
    }

    private static func occurrences(of needle: borrowing SecretBytes, in buffer: borrowing SecretBytes, _ filled: Int) -> Int {
        buffer.withUnsafeBytes { bytes in
            needle.withUnsafeBytes { needle in
                var count = 0
                var start = bytes.baseAddress!
                // Where the needle's first byte may still stand.
                let end = start + filled - needle.count + 1
                while start < end, let place = memchr(start, Int32(needle[0]), end - start) {
                    if memcmp(place, needle.baseAddress!, needle.count) == 0 { count += 1 }
                    start = UnsafeRawPointer(place) + 1
                }
                return count
            }
        }
    }

    private static func ordinaryMemory() -> [Range<UInt>] {
        let bytes = (try? FileDescriptor.open("/proc/self/smaps", O_RDONLY).readAll()) ?? nil
        var ranges: [Range<UInt>] = []
        var header: [Substring] = []
        for line in String(decoding: bytes ?? [], as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0].contains("-") { header = words }
            guard words[0] == "VmFlags:", header[1].hasPrefix("rw"), !words.contains("dd") else { continue }
            let ends = header[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            ranges.append(ends[0]..<ends[1])
        }
        return ranges
    }
}
