import Compose
import Linux
import Runner

/// What an entry of `develop.watch` comes to on this host.
struct PlannedRule {
    let service: String
    /// What is watched: a real path.
    let root: String
    let action: WatchRule.Action
    /// Where changes go in the service; nil where they don't.
    let target: String?
    /// Whether what arrives there outlives the instance.
    let isLasting: Bool
    let isSyncedAtFirst: Bool
    private let include: FilePatterns
    private let ignore: FilePatterns

    init(_ rule: WatchRule, of service: String, root: String, target: String?, isLasting: Bool) throws(FilePatterns.Malformed) {
        self.service = service
        self.root = root
        action = rule.action
        self.target = target
        self.isLasting = isLasting
        isSyncedAtFirst = rule.isSyncedAtFirst && target != nil
        include = try FilePatterns(rule.include, in: root)
        ignore = try FilePatterns(rule.ignore, in: root)
    }

    /// The way from the root to a path that the rule is about; empty for the root itself, nil for others.
    func way(to path: [UInt8]) -> [UInt8]? {
        guard let way = rest(of: path) else { return nil }
        let text = String(decoding: way, as: UTF8.self)
        guard include.isEmpty || include.match(text), !TransientFiles.contain(text), !ignore.match(text) else { return nil }
        return way
    }

    /// Whether a folder may hold anything that the rule is about.
    func isWanted(_ folder: [UInt8]) -> Bool {
        guard let way = rest(of: folder) else { return false }
        if way.isEmpty { return true }
        let text = String(decoding: way, as: UTF8.self)
        return !TransientFiles.contain(text) && (ignore.hasExceptions || !ignore.match(text))
    }

    /// - Returns: nil where it does not lie in there.
    private func rest(of path: [UInt8]) -> [UInt8]? {
        let start = Array(root.utf8)
        if start == [47] { return Array(path.dropFirst()) }
        guard path.starts(with: start) else { return nil }
        if path.count == start.count { return [] }
        return path[start.count] == 47 ? Array(path[(start.count + 1)...]) : nil
    }
}
