/// Why an instance, or something of it, could not be set up: the stage and the reason, for a person.
public struct LaunchError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String
    /// The status that a shell gives for it: 126 for a command that cannot be executed, 127 for one that is not
    /// there, 125 for everything else.
    public let exitStatus: Int32

    /// A child of the caller's that is still to be reaped.
    let abandoned: AbandonedProcess?

    public init(_ description: String, exitStatus: Int32 = 125) {
        self.init(description, exitStatus: exitStatus, abandoned: nil)
    }

    init(_ description: String, exitStatus: Int32 = 125, abandoned: AbandonedProcess?) {
        self.description = description
        self.exitStatus = exitStatus
        self.abandoned = abandoned
    }

    public static func == (left: LaunchError, right: LaunchError) -> Bool {
        left.description == right.description && left.exitStatus == right.exitStatus && left.abandoned === right.abandoned
    }

    /// A system call that failed at a stage.
    init(_ stage: String, _ error: some Error) {
        self.init("\(stage): \(error)")
    }
}
