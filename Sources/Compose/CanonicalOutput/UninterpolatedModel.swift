import JSON
import YAML

/// A project's merged files with their variables still in them.
public struct UninterpolatedModel: Sendable {
    private let document: Node

    /// - Parameter merged: the document of all files, in the long forms of ``LongForms``.
    init(_ merged: Node, name: String, loading: SourceLoading) {
        // Variables without a value keep none: the environment plays no part here.
        let completion = ServiceCompletion(loading: loading, environment: [:])
        var document = merged.changing("services") { services in
            services.changingEach { name, service in
                let counted = service.changing("gpus") { $0.changingItems(Self.deviceRequest) }
                    .changing("deploy") { $0.changing("resources") { $0.changing("reservations") {
                        $0.changing("devices") { $0.changingItems(Self.deviceRequest) } } } }
                let completed = completion.defaults(counted, "services.\(name)")
                guard loading.options.steps.normalizes else { return completed }
                return completed.changing("build") { $0.changing("args", Self.withoutEmpty) }
            }
        }
        let resources = ResourceCompletion(loading: loading, projectName: name)
        if loading.options.steps.normalizes {
            document = Resolution.withDefaultNetwork(document, services: document["services"]?.mapping?.entries ?? [])
            document = document.setting("name", Node(.string(name), at: document.place))
        }
        if let entries = document.mapping?.entries {
            document = document.with(.mapping(Mapping(entries.filter { $0.key != "version" })))
        }
        self.document = document.changingEach { kind, value in
            ["networks", "volumes", "secrets", "configs"].contains(kind) ? resources.apply(value) : value
        }
    }

    /// Build arguments that have a value.
    private static func withoutEmpty(_ node: Node) -> Node {
        switch node.value {
        case .sequence(let items):
            node.with(.sequence(items.filter { $0.string.map { $0.utf8.contains(UInt8(ascii: "=")) } ?? true }))
        case .mapping(let mapping):
            node.with(.mapping(Mapping(mapping.entries.filter { !$0.value.isNull })))
        default:
            node
        }
    }

    private static func deviceRequest(_ node: Node) -> Node {
        node["device_ids"] == nil ? node.settingIfAbsent("count", .string("all")) : node
    }

    /// The model as it is printed, its keys sorted.
    public var value: JSONValue {
        CanonicalDocument(escapesDollars: false).value(document, attribute("model", .any, keep: true)) ?? .null
    }

    /// The names of all services, sorted.
    public var serviceNames: [String] {
        (document["services"]?.mapping?.entries ?? []).map(\.key).sorted()
    }

    /// The variables that the model refers to, sorted by name.
    public var variables: [TemplateVariable] {
        var found: [String: TemplateVariable] = [:]
        var rest = [document]
        // The last mention counts, as in Compose.
        while let node = rest.popLast() {
            switch node.value {
            case .string(let text):
                for variable in TemplateVariable.all(in: text) { found[variable.name] = variable }
            case .sequence(let items):
                rest += items.reversed()
            case .mapping(let mapping):
                rest += mapping.entries.reversed().map(\.value)
            default:
                break
            }
        }
        return found.values.sorted { $0.name < $1.name }
    }
}
