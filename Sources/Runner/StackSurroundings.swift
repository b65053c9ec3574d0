/// What the instances of a stack have in common: the names that they find, and what of the host they must not see.
///
/// It is kept and sent once for all of them, since each of its lists grows with the stack.
public struct StackSurroundings: Codable, Sendable, Equatable {
    /// Names that lead to the loopback address, where a plan has no host of its own by that name: services share
    /// the host's network.
    public var serviceNames: [String]
    /// Absolute host paths, files or directories, that no instance must see into, whatever mount leads there.
    public var masks: [String]
    /// Absolute host paths that an instance must not see into unless one of its mounts names them:
    /// sockets that run code elsewhere, other stacks' volumes.
    public var hiddenPaths: [String]

    public init(serviceNames: [String] = [], masks: [String] = [], hiddenPaths: [String] = []) {
        self.serviceNames = serviceNames
        self.masks = masks
        self.hiddenPaths = hiddenPaths
    }
}
