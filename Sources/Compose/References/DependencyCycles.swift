import YAML

/// Finds services that wait for themselves.
struct DependencyCycles {
    private let names: [String]
    private let entries: [Mapping.Entry]
    private let edges: [[(target: Int, place: Place)]]

    /// - Parameters:
    ///   - services: canonical.
    ///   - only: the services to look at.
    init(_ services: Mapping, only: Set<String>) {
        let chosen = services.entries.filter { only.contains($0.key) }
        let indexes = Mapping(chosen).indexes()
        entries = chosen
        names = chosen.map(\.key)
        edges = chosen.map { entry in
            (entry.value["depends_on"]?.mapping?.entries ?? []).compactMap { dependency in
                indexes[dependency.key].map { ($0, dependency.keyPlace) }
            }
        }
    }

    /// One error for each cycle that a walk in the order of the file closes.
    ///
    /// The walk keeps its own stack: a chain of ten thousand services is allowed.
    func report(to reporter: Reporter) {
        enum State { case new, open, done }
        var states = [State](repeating: .new, count: names.count)
        for start in names.indices where states[start] == .new {
            var stack: [(service: Int, next: Int)] = [(start, 0)]
            states[start] = .open
            while let top = stack.last {
                guard top.next < edges[top.service].count else {
                    states[top.service] = .done
                    stack.removeLast()
                    continue
                }
                stack[stack.count - 1].next += 1
                let edge = edges[top.service][top.next]
                switch states[edge.target] {
                case .done: break
                case .new:
                    states[edge.target] = .open
                    stack.append((edge.target, 0))
                case .open:
                    let first = stack.firstIndex { $0.service == edge.target } ?? 0
                    let cycle = (stack[first...].map(\.service) + [edge.target]).map { names[$0] }
                    reporter.error(
                        "dependency cycle detected: \(cycle.joined(separator: " -> "))", at: edge.place,
                        attribute: "services.\(names[top.service]).depends_on", remedy: "remove one of these dependencies")
                }
            }
        }
    }
}
