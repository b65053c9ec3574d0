import Linux

extension LaunchPlan {
    /// The other paths by which an instance sees files of the host: through its bind mounts. A mask covers one mount's
    /// view of a file only, so each needs its own.
    ///
    /// - Parameter paths: real paths on the host.
    func aliases(of paths: [String]) -> [String] {
        mounts.flatMap { mount -> [String] in
            guard case .bind(let source, let target, _) = mount, let folder = realPath(source) else { return [] }
            return paths.compactMap { path in
                Paths.rest(of: path, below: folder).map { Paths.join(target, "./" + $0) }
            }
        }
    }
}
