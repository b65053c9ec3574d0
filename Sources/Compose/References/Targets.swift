import YAML

/// Checks that no two things of a service are to be at one place.
struct Targets {
    private let service: Service
    private let entry: Mapping.Entry
    private let reporter: Reporter

    init(_ service: Service, _ entry: Mapping.Entry, _ reporter: Reporter) {
        self.service = service
        self.entry = entry
        self.reporter = reporter
    }

    func check() {
        guard service.secrets.count + service.configs.count + service.mounts.count > 1 else { return }
        var seen: [String: String] = [:]
        func add(_ target: String, _ what: String, _ attribute: String, _ location: SourceLocation?) {
            if let other = seen.updateValue(what, forKey: target) {
                let source = entry.keyPlace.source
                let place = location.flatMap { $0.file == source.file ? Place(source, line: $0.line, column: $0.column) : nil }
                reporter.add(
                    Diagnostic(
                        .error, "services.\(service.name): \(what) has the target \(target), as \(other) has", at: location,
                        attribute: "services.\(service.name).\(attribute)", source: place?.excerpt ?? .unread,
                        remedy: "give one of them another target"))
            }
        }
        for grant in service.secrets { add(grant.target, "secret \"\(grant.secret)\"", "secrets", grant.location) }
        for grant in service.configs { add(grant.target, "config \"\(grant.config)\"", "configs", grant.location) }
        let place = entry.value["volumes"]?.place ?? entry.value["tmpfs"]?.place ?? entry.keyPlace
        for mount in service.mounts {
            add(mount.target, "a mount", "volumes", mountPlace(mount.target) ?? place.location)
        }
    }

    private func mountPlace(_ target: String) -> SourceLocation? {
        let volumes = entry.value["volumes"]?.sequence ?? []
        return volumes.last { $0["target"]?.string == target }?.location
    }
}
