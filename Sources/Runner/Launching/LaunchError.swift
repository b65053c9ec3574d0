/// Why an instance, or something of it, could not be set up: the stage and the reason, for a person.
public struct LaunchError: Error, CustomStringConvertible, Sendable, Equatable {
    public let description: String

    public init(_ description: String) {
        self.description = description
    }

    /// A system call that failed at a stage.
    init(_ stage: String, _ error: some Error) {
        description = "\(stage): \(error)"
    }
}
