/// A filter in the kernel's own terms, as `stackup-init` installs it.
public struct FilterProgram: Codable, Sendable, Equatable {
    /// Flags of seccomp(2).
    public var flags: UInt32
    /// `struct sock_filter`s of this machine, two digits for each byte.
    public var instructions: String

    public init(flags: UInt32, instructions: String) {
        self.flags = flags
        self.instructions = instructions
    }

    /// - Parameter bytes: `struct sock_filter`s.
    init(flags: UInt32, bytes: [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        self.init(flags: flags, instructions: String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self))
    }
}
