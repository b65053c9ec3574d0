import Linux

extension LaunchPlan {
    /// The other paths by which an instance sees files of the host: through its bind mounts. A mask covers one mount's
    /// view of a file only, so each needs its own.
    ///
    /// - Parameter masks: of real paths on the host.
    func aliases(of masks: [Mask]) -> [Mask] {
        mounts.flatMap { mount -> [Mask] in
            guard case .bind(let source, let target, _) = mount, let folder = realPath(source) else { return [] }
            return masks.compactMap { mask in
                Paths.rest(of: mask.path, below: folder).map {
                    Mask(path: Paths.join(target, "./" + $0), followsLinks: mask.followsLinks)
                }
            }
        }
    }
}
