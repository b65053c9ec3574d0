import YAML

/// One entry of `develop.watch`: what is done in a service when files of the host change.
///
/// Source: the Compose Develop Specification.
public struct WatchRule: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        /// Changed files are copied to the target.
        case sync
        case restart
        case syncAndRestart
        /// A command runs in the service once they are copied; an empty one is a mistake.
        case syncAndExecute(ServiceHook)
        /// An image is built: nothing that stackup can do.
        case rebuild
    }

    /// A file or folder of the host; absolute.
    public var path: String
    public var action: Action
    /// Where the files go in the service; nil where none do.
    public var target: String?
    /// Patterns as in `.dockerignore`, seen from the path. Empty: everything.
    public var include: [String] = []
    /// The same; what is left out.
    public var ignore: [String] = []
    /// Whether what is there already is copied when the watch starts.
    public var isSyncedAtFirst = false
    /// Where the entry stands, for messages.
    public var location: SourceLocation?

    public init(path: String, action: Action, target: String? = nil) {
        self.path = path
        self.action = action
        self.target = target
    }
}
