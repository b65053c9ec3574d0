/// What `stackup-init` leaves in `exit/<instance>` before it ends.
enum ExitStatusFile {
    /// The status as a shell has it; nil where nothing was left: it was killed itself.
    static func exitCode(_ bytes: [UInt8]) -> Int32? {
        nil
    }
}
