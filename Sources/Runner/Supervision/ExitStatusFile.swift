/// What `stackup-init` leaves in `exit/<instance>` before it ends.
enum ExitStatusFile {
    /// What it says until then: -1, which is no wait status.
    static let none = [UInt8](repeating: 0xFF, count: 4)

    /// The status as a shell has it; nil where nothing was left: it was killed itself.
    /// - Parameter bytes: an `int` in the machine's byte order, as wait(2) gives it, or ``none``.
    static func exitCode(_ bytes: [UInt8]) -> Int32? {
        guard bytes.count == 4 else { return nil }
        let status = bytes.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
        guard status >= 0 else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }
}
