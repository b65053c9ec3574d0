import Compose

/// The names of the services, each after those it depends on, and by name where that leaves a choice.
///
/// Dependencies outside `services` are left out of account. A cycle, which the Compose room refuses, is broken at
/// its first name.
public func startOrder(of services: [Service]) -> [String] {
    startOrder(of: Dictionary(
        services.map { ($0.name, $0.dependsOn.map(\.service)) }, uniquingKeysWith: { first, _ in first }))
}

/// The names of the services, each before those it depends on: the reverse of ``startOrder(of:)-([Service])``.
public func stopOrder(of services: [Service]) -> [String] {
    startOrder(of: services).reversed()
}

/// ``startOrder(of:)-([Service])`` for services known only by their dependencies' names.
public func startOrder(of dependencies: [String: [String]]) -> [String] {
    var missing: [String: Int] = [:]
    var dependents: [String: [String]] = [:]
    for (name, names) in dependencies {
        let known = Set(names).filter { dependencies[$0] != nil && $0 != name }
        missing[name] = known.count
        for dependency in known { dependents[dependency, default: []].append(name) }
    }
    var order: [String] = []
    // Sorted backwards, so that the next name is taken off the end.
    var ready = missing.filter { $0.value == 0 }.keys.sorted(by: >)
    while order.count < dependencies.count {
        if ready.isEmpty, let first = missing.keys.min() { ready = [first] }
        guard let name = ready.popLast() else { break }
        missing[name] = nil
        order.append(name)
        for dependent in dependents[name] ?? [] {
            guard let count = missing[dependent] else { continue }
            missing[dependent] = count - 1
            // Below zero: it was taken to break a cycle, or is ready already.
            if count == 1 { ready.insert(dependent, at: ready.firstPlace { $0 < dependent }) }
        }
    }
    return order
}

extension Array {
    /// The first place whose element satisfies the predicate, in an array where all after it do too.
    fileprivate func firstPlace(where predicate: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if predicate(self[middle]) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        return low
    }
}
