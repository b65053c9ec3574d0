import SecretStore
import Terminal

/// Which secrets `secret ls --filter` lists: as Docker does.
struct SecretFilter {
    private static let kinds = ["id", "label", "name"]

    /// In lower case.
    private var names: [String] = []
    private var ids: [String] = []
    /// A label without a value needs only be there.
    private var labels: [(key: String, value: String)] = []

    /// - Throws: for a filter that there isn't.
    init(_ filters: [String], _ invocation: Invocation) throws(UsageError) {
        for filter in filters {
            let parts = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else {
                throw invocation.arguments.usageError("filter '\(filter)' has no value", remedy: "write it as in 'name=db_'")
            }
            switch parts[0].lowercased() {
            case "name": names.append(parts[1].lowercased())
            case "id": ids.append(parts[1])
            case "label":
                let label = parts[1].split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                labels.append((label[0], label.count == 2 ? label[1] : ""))
            case let kind:
                throw invocation.arguments.usageError(
                    "there is no filter '\(kind)'",
                    remedy: nearest(to: kind, among: Self.kinds).map { "did you mean '\($0)'?" } ?? "filters are \(Self.kinds.joined(separator: ", "))")
            }
        }
    }

    func matches(_ secret: SecretMetadata) -> Bool {
        let name = secret.name.lowercased()
        let isNamed = names.contains { name.hasPrefix($0) } || ids.contains { secret.id.hasPrefix($0) }
        return (isNamed || names.isEmpty && ids.isEmpty)
            && labels.allSatisfy { label in
                secret.labels[label.key].map { label.value.isEmpty || $0 == label.value } ?? false
            }
    }
}
