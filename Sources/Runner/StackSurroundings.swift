import Linux

/// What the instances of a stack have in common: the names that they find, and what of the host they must not see.
///
/// It is kept and sent once for all of them, since each of its lists grows with the stack.
public struct StackSurroundings: Codable, Sendable, Equatable {
    /// Names that lead to the loopback address, where a plan has no host of its own by that name: services share
    /// the host's network.
    public var serviceNames: [String]
    /// Absolute host paths, files or directories, that no instance must see into, whatever mount leads there: stores,
    /// keys, sockets. No path here has symbolic links, and none is followed that appears later.
    @Bytewise public var privatePaths: [String]
    /// The same for plaintext on this host that secrets come from, which people replace while the stack runs.
    @Bytewise public var plaintextSources: [String]
    /// Absolute host paths that an instance must not see into unless one of its mounts names them:
    /// sockets that run code elsewhere, other stacks' volumes.
    @Bytewise public var hiddenPaths: [String]

    public init(
        serviceNames: [String] = [], privatePaths: [String] = [], plaintextSources: [String] = [], hiddenPaths: [String] = []
    ) {
        self.serviceNames = serviceNames
        self.privatePaths = privatePaths
        self.plaintextSources = plaintextSources
        self.hiddenPaths = hiddenPaths
    }

    /// All that is covered wherever it appears.
    var masks: [Mask] {
        privatePaths.map { Mask(path: $0, followsLinks: false) } + plaintextSources.map { Mask(path: $0, followsLinks: true) }
    }
}

/// A path of the host that is covered in every instance.
struct Mask: Equatable {
    /// Absolute.
    @Bytewise var path: String
    /// Whether it may lead through symbolic links. Some paths lie in folders of users who are nobody's to trust: a link
    /// that one of them lays there must not take anything else away from the services.
    let followsLinks: Bool
}

extension [Mask] {
    /// With those for the other paths by which the host's mounts lead to the same.
    func withAliases(in table: MountTable) throws(SystemCallError) -> [Mask] {
        var masks = self
        for mask in self {
            for path in try table.aliases(of: mask.path) { masks.append(Mask(path: path, followsLinks: mask.followsLinks)) }
        }
        return masks
    }
}
