import Linux

/// The views of the host that a stack's launches are made in: one for all launches of a moment. It is kept for the first launches of the next
/// one, since to make another costs more than all the rest of a single start.
///
/// What is kept shows nothing that the host has not, and takes nothing from it:
/// - It goes as soon as the host mounts or unmounts anything, and is not taken before the mount table was read and found as it was: where
///   aliases of masks and others' processes lie changes with the names of folders, too. Its own mounts don't hold up
///   an unmounting: they belong to nobody else, and the host's are not theirs.
/// - What has been copied into it instead of mounted (``HostCopies``) is compared.
/// - Masks are of one moment, and files are replaced at any: so each instance looks for itself, before anything else, whether a
///   mask lies wherever one has to, and lays it where none does (`mask_again` of stackup-init). That is done in the instance's own copy, and
///   by its own process, since walking the host's paths may hang.
final class HostViews {
    private struct Kept {
        let view: HostView
        let token: EventLoop.Token
    }

    private let launcher: InstanceLauncher
    private let loop: EventLoop
    /// By whether the host's folders are writable.
    private var current: [Bool: HostView] = [:]
    private var kept: [Bool: Kept] = [:]
    /// At how many places the instances of this moment look for masks.
    private var looks = 0
    /// For so many, a new view can be made.
    private static let mostLooks = 500
    /// On a host that mounts all the time, the last one has to do; it isn't kept.
    private static let mostAttempts = 3

    init(launcher: InstanceLauncher, loop: EventLoop) {
        self.launcher = launcher
        self.loop = loop
    }

    deinit {
        for kept in kept.values { loop.remove(kept.token) }
    }

    /// What an instance that is launched now may see of the host.
    func view(_ surroundings: StackSurroundings, writable: Bool) throws(LaunchError) -> HostView {
        if let view = current[writable], view.surroundings == surroundings, mayTake(view) { return view }
        current[writable] = nil
        if let view = takeKept(surroundings, writable: writable) {
            current[writable] = view
            return view
        }
        do {
            var view = try launcher.hostView(surroundings, writable: writable)
            // What was mounted or renamed meanwhile may be in it, without what is to cover it.
            for _ in 0..<Self.mostAttempts where !view.isUpToDate { view = try launcher.hostView(surroundings, writable: writable) }
            current[writable] = view
            return view
        } catch {
            try? error.abandoned?.reap(in: loop)
            throw error
        }
    }

    /// No launch follows at once.
    func endLaunches() {
        guard !current.isEmpty else { return }
        looks = 0
        for (writable, view) in current where kept[writable]?.view !== view {
            forget(writable)
            guard view.canBeKept, view.places <= Self.mostLooks else { continue }
            // Nobody would tell when it has to go.
            guard let token = try? loop.add(view.mountChanges.number, .hungUp, handler: { [unowned self] _ in forget(writable) }) else { continue }
            kept[writable] = Kept(view: view, token: token)
            // What has come since the view was made.
            if !view.isUpToDate { forget(writable) }
        }
        current = [:]
    }

    private func forget(_ writable: Bool) {
        if let kept = kept.removeValue(forKey: writable) { loop.remove(kept.token) }
    }

    /// The one that is kept, which stays so; nil where it is of no use any more.
    private func takeKept(_ surroundings: StackSurroundings, writable: Bool) -> HostView? {
        guard let view = kept[writable]?.view else { return nil }
        guard view.surroundings == surroundings, view.isUpToDate else {
            forget(writable)
            return nil
        }
        view.grow()
        if mayTake(view) { return view }
        forget(writable)
        return nil
    }

    private func mayTake(_ view: HostView) -> Bool {
        if view.isOfEarlierMoment { looks += view.places }
        return looks <= Self.mostLooks
    }
}
