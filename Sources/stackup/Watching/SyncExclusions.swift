import Glibc
import Linux
import Reconciler
import Runner

/// What a sync never copies: whatever is kept from services by masks, since a copy would lead around them.
///
/// Files are known by what they are, too: a secret's file that is renamed, linked, or mounted somewhere else stays one.
final class SyncExclusions {
    private var paths: Set<[UInt8]> = []
    /// By device and inode, which say quickly that a file is none of them.
    private var identities: [Number: Set<String>] = [:]

    private struct Number: Hashable {
        let device: UInt64
        let inode: UInt64
    }

    /// - Parameter paths: real, of files and folders that need not be there.
    init(_ paths: [String]) { add(paths) }

    func add(_ paths: [String]) {
        for path in paths {
            self.paths.insert(Array(path.utf8))
            if let identity = fileIdentity(path) { note(identity) }
        }
    }

    /// Takes note of files that have come to lie at such paths, before they get other names.
    func refresh(_ changed: Set<[UInt8]>) {
        for path in changed where paths.contains(path) {
            if let identity = fileIdentity(String(decoding: path, as: UTF8.self)) { note(identity) }
        }
    }

    /// Files that masks were laid on since.
    func add(_ files: [MaskedFile]) {
        for file in files {
            paths.insert(Array(file.path.utf8))
            note(file.identity)
            // Another one may lie there already.
            if let identity = fileIdentity(file.path) { note(identity) }
        }
    }

    /// An identity starts with the numbers (``fileIdentity(_:)``).
    private func note(_ identity: String) {
        let parts = identity.split(separator: ":").prefix(2).compactMap { UInt64($0) }
        guard parts.count == 2 else { return }
        identities[Number(device: parts[0], inode: parts[1]), default: []].insert(identity)
    }

    /// Whether a path is one, or lies in one.
    func cover(_ path: [UInt8]) -> Bool {
        if paths.contains(path) { return true }
        return path.indices.contains { path[$0] == 47 && $0 > 0 && paths.contains(Array(path[..<$0])) }
    }

    /// Whether a file is one, whatever it is called.
    ///
    /// - Parameter number: a descriptor of it.
    func cover(_ status: stat, _ number: Int32) -> Bool {
        guard let known = identities[Number(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))] else { return false }
        return fileIdentity("/proc/self/fd/\(number)").map(known.contains) ?? true
    }
}
