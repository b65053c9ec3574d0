import Compose
import Terminal

/// `stackup scale`.
enum Scale {
    static let command = Command(
        "scale", summary: "Set how many instances of services run",
        discussion: """
            The others are left as they are, but for those that these services need. It holds until the next 'up', which goes by the \
            Compose file ('scale' or 'deploy.replicas') and its own --scale.
            """,
        examples: [.init("stackup scale web=3 worker=5", "three of one, five of the other"), .init("stackup scale worker=0", "none for now")],
        arguments: [.init("SERVICE=NUMBER", .atLeastOne)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let numbers = try invocation.instanceCounts(invocation.operands)
        return try Up.bringUp(services: numbers.map(\.service), numbers, invocation, stays: false)
    }
}

extension Invocation {
    /// `web=3`, as `scale` and `up --scale` take it.
    func instanceCounts(_ texts: [String]) throws(UsageError) -> [(service: String, count: Int)] {
        var counts: [(service: String, count: Int)] = []
        for text in texts {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, !parts[0].isEmpty, let count = Int(parts[1]), (0...10_000).contains(count) else {
                throw arguments.usageError("'\(text)' does not say how many instances", remedy: "write for example web=3; at most 10000")
            }
            counts.append((String(parts[0]), count))
        }
        return counts
    }
}

extension LoadedProject {
    /// The project with other numbers of instances.
    ///
    /// - Throws: for a service that is none of its, and for several of one whose container has a name of its own.
    func scaled(_ counts: [(service: String, count: Int)]) throws(CommandFailure) -> LoadedProject {
        var project = self
        for (service, count) in counts {
            guard let position = stack.services.firstIndex(where: { $0.name == service }) else {
                throw .unknown("service", service, among: stack.services.map(\.name))
            }
            if count > 1, let name = stack.services[position].containerName, !name.isEmpty {
                throw CommandFailure("service '\(service)': \(count) containers cannot all have the name '\(name)'; remove container_name")
            }
            project.stack.services[position].replicas = count
        }
        return project
    }
}
