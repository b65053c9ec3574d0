import Compose
import Glibc
import Linux
import Runner
import YAML

/// Turns `develop.watch` into rules for this host, and finds what can't work before anything starts.
struct WatchPlanning {
    private let stack: Stack
    private var folders: WritableFolders
    private(set) var warnings: [Diagnostic] = []

    /// - Parameter session: what other stacks' services may write to, and lay links in.
    init(_ stack: Stack, _ invocation: Invocation, _ session: borrowing StackSession) {
        self.stack = stack
        let (store, names) = (session.store, session.snapshot?.stackNames ?? [])
        folders = WritableFolders(
            stack, record: session.record,
            otherFolders: { try names.filter { $0 != stack.name }.flatMap { try StackRecord.writableFolders(of: $0, in: store) } },
            paths: invocation.paths, user: invocation.user)
    }

    /// - Throws: `CommandFailure` where there are none, as Compose has it.
    mutating func rules() throws -> [PlannedRule] {
        let watched = stack.services.filter { !$0.watchRules.isEmpty }
        guard !watched.isEmpty else {
            throw CommandFailure("none of the selected services is configured for watch, consider setting a 'develop' section")
        }
        var problems = Problems()
        var rules: [(rule: PlannedRule, service: Service, index: Int, location: SourceLocation?)] = []
        for service in watched {
            for (index, rule) in service.watchRules.enumerated() {
                do {
                    if let planned = try plan(rule, of: service, index) { rules.append((planned, service, index, rule.location)) }
                } catch let error as DeploymentError {
                    problems.add(error.about(service.name, at: rule.location).diagnostics)
                }
            }
        }
        let arrivals = rules.map { entry in entry.rule.target.flatMap { place(of: $0, in: entry.service).source } }
        for (position, (rule, service, index, location)) in rules.enumerated() {
            guard let target = rule.target, let arrival = arrivals[position], Self.comesBack(position, rules.map(\.rule), arrivals) else { continue }
            problems.add(DeploymentError(
                "what is copied to \(target) arrives in \(arrival), which is watched itself, and would be copied again and again",
                attribute: "develop.watch[\(index)].target", remedy: "leave that folder out with 'ignore', or use another target")
                .about(service.name, at: location).diagnostics)
        }
        guard problems.isEmpty else { throw problems.error }
        guard !rules.isEmpty else { throw CommandFailure("there is nothing to watch") }
        return rules.map(\.rule)
    }

    /// Whether what a rule copies changes what it watches, by way of other rules perhaps.
    private static func comesBack(_ start: Int, _ rules: [PlannedRule], _ arrivals: [String?]) -> Bool {
        var reached: Set<Int> = []
        var waiting = [start]
        while let position = waiting.popLast() {
            guard let arrival = arrivals[position] else { continue }
            for (next, rule) in rules.enumerated() where rule.target != nil && rule.way(to: Array(arrival.utf8)) != nil {
                if next == start { return true }
                if reached.insert(next).inserted { waiting.append(next) }
            }
        }
        return false
    }

    /// - Returns: nil where there is nothing to do, which a warning says.
    private mutating func plan(_ rule: WatchRule, of service: Service, _ index: Int) throws -> PlannedRule? {
        let attribute = "develop.watch[\(index)]"
        if rule.action == .rebuild {
            throw DeploymentError(
                "can't watch with action rebuild: stackup builds no images", attribute: "\(attribute).action",
                remedy: "make it restart, sync or sync+restart, or use docker compose for this service")
        }
        if case .syncAndExecute(let hook) = rule.action, hook.command.isEmpty {
            throw DeploymentError(
                "the action sync+exec needs a command", attribute: attribute, remedy: "give it 'exec: {command: …}', or make the action sync")
        }
        let root = try folders.resolve(rule.path)
        let folder = Paths.directory(of: root)
        guard access(folder, F_OK) == 0 else {
            throw DeploymentError(
                "there is no folder \(folder), so \(Paths.lastComponent(of: root)) can't be waited for in there", attribute: "\(attribute).path",
                remedy: "make it, or correct the path")
        }
        let isMounted = service.mounts.contains { mount in
            guard case .bind(let source, _, _, _) = mount else { return false }
            return Paths.rest(of: root, below: realPath(source) ?? source) != nil
        }
        var target = rule.target
        if target != nil, isMounted {
            let message = "path '\(rule.path)' also declared by a bind mount volume"
            // The command may still be wanted: what it is to see is there already.
            if case .syncAndExecute = rule.action {
                warnings.append(Diagnostic(.warning, "\(message), nothing is copied", at: rule.location, attribute: "services.\(service.name).\(attribute)"))
                target = nil
            } else {
                warnings.append(
                    Diagnostic(.warning, "\(message), this path won't be monitored!", at: rule.location, attribute: "services.\(service.name).\(attribute)"))
                return nil
            }
        }
        var isLasting = true
        if let target {
            let place = place(of: target, in: service)
            guard place.isWritable else {
                throw DeploymentError(
                    "it can't write to \(target), so nothing can be copied there", attribute: "\(attribute).target",
                    remedy: "give it a volume or a tmpfs there, for example 'volumes: [\"\(volumeName(target)):\(target)\"]'")
            }
            isLasting = place.isLasting
        }
        if case .syncAndRestart = rule.action, !isLasting {
            warnings.append(
                Diagnostic(
                    .warning, "service '\(service.name)': \(target ?? "") is empty after each restart; the files are copied again once it runs",
                    at: rule.location, attribute: "services.\(service.name).\(attribute).target", remedy: "give it a volume there"))
        }
        do {
            return try PlannedRule(rule, of: service.name, root: root, target: target, isLasting: isLasting)
        } catch {
            throw DeploymentError("\(error)", attribute: attribute)
        }
    }

    private func volumeName(_ target: String) -> String {
        let name = Paths.lastComponent(of: target)
        return name == "/" || name == "." ? "app" : name
    }

    /// What lies at a path of a service.
    ///
    /// - Returns: whether the service may write there; whether what it writes is there after a restart; where on the host it is.
    private func place(of target: String, in service: Service) -> (isWritable: Bool, isLasting: Bool, source: String?) {
        let target = Paths.clean(target)
        let mount = service.mounts.filter { Paths.rest(of: target, below: Paths.clean($0.target)) != nil }
            .max { $0.target.utf8.count < $1.target.utf8.count }
        let rest = mount.flatMap { Paths.rest(of: target, below: Paths.clean($0.target)) } ?? ""
        switch mount {
        case .bind(let source, _, let readOnly, _):
            return (!readOnly, true, Paths.join(realPath(source) ?? source, "./" + rest))
        // The folder that volumes lie in is hidden from all, and never watched.
        case .volume(_, _, let readOnly): return (!readOnly, true, nil)
        case .tmpfs(_, let readOnly, _, _, _): return (!readOnly, false, nil)
        case nil:
            let own = ["/var/tmp", "/dev/shm"] + (service.readOnly ? [] : ["/tmp"])
            if own.contains(where: { Paths.rest(of: target, below: $0) != nil }) { return (true, false, nil) }
            return (service.hostFilesystemWritable && !service.readOnly, true, target)
        }
    }
}
