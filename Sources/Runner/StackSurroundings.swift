import Linux

/// What the instances of a stack have in common: the names that they find, and what of the host they must not see.
///
/// It is kept and sent once for all of them, since each of its lists grows with the stack.
public struct StackSurroundings: Sendable, Equatable {
    /// Names that lead to the loopback address, where a plan has no host of its own by that name: services share
    /// the host's network.
    public var serviceNames: [String]
    /// Absolute host paths, files or directories, that no instance must see into, whatever mount leads there: stores,
    /// keys, sockets. They are real paths: a symbolic link that appears on the way later is not followed.
    @Bytewise public var privatePaths: [String]
    /// The same for plaintext on this host that secrets come from, which people replace while the stack runs.
    @Bytewise public var plaintextSources: [String]
    /// Absolute host paths that an instance must not see into unless one of its mounts names them:
    /// sockets that run code elsewhere, other stacks' volumes.
    @Bytewise public var hiddenPaths: [String]
    /// Real host paths that services can write to: symbolic links in there lead no mount anywhere.
    @Bytewise public var writableFolders: [String]

    public init(
        serviceNames: [String] = [], privatePaths: [String] = [], plaintextSources: [String] = [], hiddenPaths: [String] = [],
        writableFolders: [String] = []
    ) {
        self.serviceNames = serviceNames
        self.privatePaths = privatePaths
        self.plaintextSources = plaintextSources
        self.hiddenPaths = hiddenPaths
        self.writableFolders = writableFolders
    }

    /// All that is covered wherever it appears.
    var masks: [String] { privatePaths + plaintextSources }
}

extension MountTable {
    /// Paths with the other ones by which the host's mounts lead to the same.
    public func withAliases(_ paths: [String]) throws(SystemCallError) -> [String] {
        var all = paths
        for path in paths { all += try aliases(of: path) }
        return all
    }
}
