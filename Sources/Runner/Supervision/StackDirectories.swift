/// Where one project's running stack lives on disk. Both are removed by `down`.
public struct StackDirectories: Sendable, Equatable {
    /// `<runtime>/<project>`: lock, control socket, state.
    public var runtime: String
    /// `<logs>/<project>`: one log file per instance.
    public var logs: String

    /// - Parameters: absolute paths.
    public init(runtime: String, logs: String) {
        self.runtime = runtime
        self.logs = logs
    }
}
