/// The instances of a stack, found by name and by service.
struct InstanceTable {
    /// By service, then by index; no service without any.
    private var byService: [String: [Int: Instance]] = [:]

    subscript(name: InstanceName) -> Instance? {
        get { byService[name.service]?[name.index] }
        set {
            byService[name.service, default: [:]][name.index] = newValue
            if newValue == nil, byService[name.service]?.isEmpty == true { byService[name.service] = nil }
        }
    }

    /// Those with an instance, in no order.
    var services: some Collection<String> { byService.keys }

    var isEmpty: Bool { byService.isEmpty }

    /// In no order.
    var all: some Sequence<Instance> { byService.values.lazy.flatMap(\.values) }

    /// By name.
    var sorted: [Instance] { byService.keys.sorted().flatMap(of) }

    func has(_ service: String) -> Bool { byService[service] != nil }

    /// By index.
    func of(_ service: String) -> [Instance] {
        guard let instances = byService[service] else { return [] }
        return instances.count == 1 ? Array(instances.values) : instances.values.sorted { $0.name.index < $1.name.index }
    }
}
