import Linux
import YAML

/// Checks that no two things of a service are to be at one place.
struct Targets {
    private let entry: Mapping.Entry
    private let reporter: Reporter

    /// - Parameter entry: a service, canonical, or as one file has it.
    init(_ entry: Mapping.Entry, _ reporter: Reporter) {
        self.entry = entry
        self.reporter = reporter
    }

    private struct Thing {
        let target: String
        /// For `… as …`.
        let name: String
        let attribute: String
        let place: Place
    }

    /// Everything that is mounted: grants, volumes, tmpfs and devices.
    func check() {
        let lists = ["secrets", "configs", "volumes", "tmpfs", "devices"].compactMap { entry.value[$0]?.sequence }
        guard lists.reduce(0, { $0 + $1.count }) > 1 else { return }
        report(grants("secrets", below: "/run/secrets") + grants("configs", below: "") + mounts)
    }

    /// The grants of one file. Merging lets a later one take the place of an earlier one, which is meant where an override
    /// file does so, and a mistake within a file: a service would get one secret for another.
    func checkGrants() {
        for (attribute, directory) in [("secrets", "/run/secrets"), ("configs", "")] {
            guard let items = entry.value[attribute]?.sequence, items.count > 1 else { continue }
            var written: Set<String> = []
            report(grants(attribute, below: directory) { $0.string.map { written.insert($0).inserted } ?? true })
        }
    }

    private func report(_ things: [Thing]) {
        var seen: [String: Thing] = [:]
        for thing in things {
            guard let other = seen.updateValue(thing, forKey: thing.target) else { continue }
            reporter.error(
                "\(thing.name) has the target \(thing.target), as \(other.name) has at line \(other.place.line)", at: thing.place,
                attribute: "services.\(entry.key).\(thing.attribute)", remedy: "give one of them another target")
        }
    }

    private func grants(_ attribute: String, below directory: String, where isMeant: (Node) -> Bool = { _ in true }) -> [Thing] {
        (entry.value[attribute]?.sequence ?? []).enumerated().compactMap { index, item in
            guard isMeant(item), let source = item.string ?? item["source"]?.string else { return nil }
            let target = item["target"]?.string ?? source
            return Thing(
                target: Paths.clean(target.hasPrefix("/") ? target : "\(directory)/\(target)"),
                name: "\(attribute.dropLast()) \"\(source)\"", attribute: "\(attribute)[\(index)]", place: item.place)
        }
    }

    private var mounts: [Thing] {
        let tmpfs = (entry.value["tmpfs"]?.sequence ?? []).enumerated().compactMap { index, item in
            item.string.map { text in
                Thing(
                    target: Text.cut(text, at: UInt8(ascii: ":")).before, name: "a tmpfs", attribute: "tmpfs[\(index)]",
                    place: item.place)
            }
        }
        let volumes = (entry.value["volumes"]?.sequence ?? []).enumerated().compactMap { index, item in
            item["target"]?.string.map {
                Thing(target: $0, name: "a volume", attribute: "volumes[\(index)]", place: item.place)
            }
        }
        let devices = (entry.value["devices"]?.sequence ?? []).enumerated().compactMap { index, item in
            item["target"]?.string.map {
                Thing(target: Paths.clean($0), name: "a device", attribute: "devices[\(index)]", place: item.place)
            }
        }
        return tmpfs + volumes + devices
    }
}
