import Runner

extension LaunchPlan {
    /// The other paths by which an instance sees files of the host: through its bind mounts. A mask covers one mount's
    /// view of a file only, so each needs its own.
    ///
    /// - Parameter paths: real paths on the host.
    func aliases(of paths: [String]) -> [(path: String, target: String)] {
        mounts.flatMap { mount -> [(path: String, target: String)] in
            guard case .bind(let source, let target, _) = mount, let folder = realPath(source) else { return [] }
            let prefix = folder == "/" ? "/" : folder + "/"
            return paths.compactMap { path in
                if path == folder { return (path, target) }
                guard path.hasPrefix(prefix) else { return nil }
                return (path, absolutePath(target + "/" + path.dropFirst(prefix.count), from: "/"))
            }
        }
    }
}
