import Glibc

/// Names one run of the kernel: what was recorded under another one is not there any more, or not as it was.
public enum BootIdentity {
    /// 36 characters (random(4)); empty where `/proc` is missing.
    public static func current() -> String {
        guard let file = try? FileDescriptor.open("/proc/sys/kernel/random/boot_id", O_RDONLY),
            let bytes = try? file.readAll(limit: 64)
        else { return "" }
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
