import Linux

/// A folder between a bind mount's root and a masked file.
struct PinnedFolder {
    let onHost: String
    let inInstance: String
}

extension LaunchPlan {
    /// The other paths by which an instance sees files of the host: through its bind mounts. A mask covers one mount's
    /// view of a file only, so each needs its own.
    ///
    /// - Parameter paths: real ones, on the host.
    func aliases(of paths: [String]) -> [String] {
        binds.flatMap { bind in
            paths.compactMap { path in
                Paths.rest(of: path, below: bind.source).map { Paths.join(bind.target, "./" + $0) }
            }
        }
    }

    /// The same for what only a mount of its own may show: a mount of the path itself, or of what is in it, does.
    func aliases(ofHidden paths: [String]) -> [String] {
        binds.flatMap { bind in
            paths.compactMap { path in
                Paths.rest(of: path, below: bind.source).flatMap { $0.isEmpty ? nil : Paths.join(bind.target, "./" + $0) }
            }
        }
    }

    /// The folders above masked files that the service could rename, to move what is masked out from under its mask's
    /// path; outer ones first.
    func pins(of masks: [String]) -> [PinnedFolder] {
        var seen: Set<Bytewise<String>> = []
        var pins: [PinnedFolder] = []
        for bind in binds where !bind.readOnly {
            for mask in masks {
                guard let rest = Paths.rest(of: mask, below: bind.source) else { continue }
                var way = ""
                for part in Paths.components(rest).dropLast() {
                    way += "/" + part
                    let pin = PinnedFolder(onHost: Paths.join(bind.source, "." + way), inInstance: Paths.join(bind.target, "." + way))
                    if seen.insert(Bytewise(pin.inInstance)).inserted { pins.append(pin) }
                }
            }
        }
        return pins
    }

    private var binds: [(source: String, target: String, readOnly: Bool)] {
        mounts.compactMap { mount in
            if case .bind(let source, let target, let readOnly) = mount { (source, target, readOnly) } else { nil }
        }
    }
}
