import Linux
import YAML

/// Reads `x-stackup` of a service.
struct ExtensionDecoding {
    private let path: String
    private let reporter: Reporter

    init(_ service: String, _ reporter: Reporter) {
        path = "\(service).x-stackup"
        self.reporter = reporter
    }

    func decode(_ attribute: Mapping.Entry, into service: inout Service) {
        guard let mapping = attribute.value.mapping else {
            reporter.obstacle(
                "\(path) must be a mapping", at: attribute.value.place, attribute: path,
                remedy: "write `x-stackup: {on-secret-change: restart}`")
            return
        }
        for entry in mapping.entries {
            switch entry.key {
            case "on-secret-change":
                service.onSecretChange = reaction(entry.value)
            case "host-filesystem":
                service.hostFilesystemWritable = isWritable(entry.value)
            default:
                reporter.obstacle(
                    "unknown attribute '\(entry.key)'", at: entry.keyPlace, attribute: "\(path).\(entry.key)",
                    remedy: reporter.suggestion(
                        for: entry.key, among: ServiceAttributes.extension_.attributes.map(\.name)))
            }
        }
    }

    private func reaction(_ node: Node) -> SecretChangeReaction {
        let words = (node.string ?? "").split(separator: " ")
        switch words.first {
        case "none" where words.count == 1: return .none
        case "restart" where words.count == 1: return .restart
        case "signal" where words.count == 2:
            let signal = String(words[1])
            if Signals.number(signal) == nil {
                reporter.error(
                    "\(path).on-secret-change: '\(signal)' is not a signal", at: node.place,
                    attribute: "\(path).on-secret-change", remedy: LaunchedNames.signalRemedy(signal, reporter))
            }
            return .signal(signal)
        default:
            reporter.obstacle(
                "\(path).on-secret-change must be none, restart, or signal with a signal's name", at: node.place,
                attribute: "\(path).on-secret-change", remedy: "write `on-secret-change: signal SIGHUP`")
            return .none
        }
    }

    private func isWritable(_ node: Node) -> Bool {
        switch node.string {
        case "writable":
            reporter.warning(
                "\(path).host-filesystem: the service can write to this host's whole file system", at: node.place,
                attribute: "\(path).host-filesystem", remedy: "name what it writes to as volumes instead")
            return true
        case "read-only":
            return false
        default:
            reporter.obstacle(
                "\(path).host-filesystem must be writable or read-only", at: node.place,
                attribute: "\(path).host-filesystem", remedy: "remove it for read-only, which is the default")
            return false
        }
    }
}
