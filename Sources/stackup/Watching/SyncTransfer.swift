import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// Brings changed files into a running instance, with what the service may do and no more (`CopySide`).
struct SyncTransfer {
    let exclusions: SyncExclusions
    let streams: Streams
    /// Whether the person has had enough: then what is under way is finished, and nothing more begun.
    let isOver: () -> Bool
    /// Hears of what is kept from the service.
    let onKept: ([UInt8]) -> Void

    /// - Parameter ways: from the rule's root.
    /// - Returns: whether all of it has arrived; otherwise it was said why not.
    func send(_ ways: Set<[UInt8]>, of rule: PlannedRule, to instance: ObservedInstance, as plan: LaunchPlan) throws -> Bool {
        guard let target = rule.target, !ways.isEmpty else { return true }
        guard let process = try instance.openProcess() else { return false }
        let root = try CopyPlace.root(of: instance, process: process)
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let pipe = try FileDescriptor.pipe()
        let side = try CopySide.start(
            .mirror, target, flag: false, root: root, as: plan, of: instance, input: pipe.read.number, output: null.number, isGroup: true)
        var failure: (any Error)?
        var isWhole = true
        do {
            let sender = TreeSender(pipe.takeWriteEnd()) {
                streams.warn("not copied: \(sanitizedForTerminal($0))")
                isWhole = false
            }
            try sender.send(
                changes: Array(ways), of: rule.root,
                isKept: { path, file in
                    let isKept = isKept(path, file)
                    if isKept { onKept(path) }
                    return isKept
                }, isOver: isOver)
        } catch {
            failure = error
        }
        let end = side.wait()
        // The other side ended first, and has said why.
        if let failure, !isOver(), (failure as? SystemCallError)?.code != EPIPE { throw failure }
        return isWhole && failure == nil && end == .exited(0)
    }

    private func isKept(_ path: [UInt8], _ file: Int32?) -> Bool {
        if exclusions.cover(path) { return true }
        guard let file else { return false }
        var status = stat()
        return fstat(file, &status) != 0 || exclusions.cover(status, file)
    }
}
