import Runner

extension LaunchPlan {
    /// The other paths by which an instance sees files of the host: through its bind mounts. A mask covers one mount's
    /// view of a file only, so each needs its own.
    ///
    /// - Parameter paths: real paths on the host.
    func aliases(of paths: [String]) -> [String] {
        mounts.flatMap { mount -> [String] in
            guard case .bind(let source, let target, _) = mount, let folder = realPaths([source]).first else { return [] }
            let prefix = folder == "/" ? "/" : folder + "/"
            return paths.compactMap { path in
                if path == folder { return target }
                return path.hasPrefix(prefix) ? absolutePath(target + "/" + path.dropFirst(prefix.count), from: "/") : nil
            }
        }
    }
}
