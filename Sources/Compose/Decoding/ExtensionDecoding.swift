import Linux
import YAML

/// Reads `x-stackup` of a service, or of one of its grants.
struct ExtensionDecoding {
    private let path: String
    private let reporter: Reporter

    /// - Parameter owner: the path of what has it.
    init(_ owner: String, _ reporter: Reporter) {
        path = "\(owner).x-stackup"
        self.reporter = reporter
    }

    func decode(_ attribute: Mapping.Entry, into service: inout Service) {
        for entry in entries(attribute, ServiceAttributes.extension_) {
            switch entry.key {
            case "on-secret-change":
                service.onSecretChange = reaction(entry.value)
            case "host-filesystem":
                service.hostFilesystemWritable = isWritable(entry.value)
            default: break
            }
        }
    }

    /// - Returns: nil where the grant says nothing of it.
    func reaction(ofGrant attribute: Mapping.Entry) -> SecretChangeReaction? {
        entries(attribute, ServiceAttributes.grantExtension).first.map { reaction($0.value) }
    }

    private func entries(_ attribute: Mapping.Entry, _ shape: ObjectShape) -> [Mapping.Entry] {
        let known = ServiceAttributes.extension_
        return ExtensionMapping(path, reporter).entries(attribute, shape, example: "x-stackup: {on-secret-change: restart}") { name in
            known[name] == nil ? nil : "it is for the service as a whole: write it there"
        }
    }

    private func reaction(_ node: Node) -> SecretChangeReaction {
        let attribute = "\(path).on-secret-change"
        guard let reaction = SecretChangeReaction(node.string ?? "") else {
            let word = (node.string ?? "").split(separator: " ").first.map(String.init) ?? ""
            let isSignal = Signals.number(word) != nil && !word.isEmpty
            reporter.obstacle(
                "\(attribute) must be none, restart, or signal with a signal's name", at: node.place, attribute: attribute,
                remedy: isSignal ? "write `signal \(word)`"
                    : reporter.suggestion(for: word, among: ["none", "restart", "signal"].filter { $0 != word })
                    ?? "write `on-secret-change: signal SIGHUP`")
            return .none
        }
        if case .signal(let signal) = reaction, Signals.number(signal) == nil {
            reporter.error(
                "\(attribute): '\(signal)' is not a signal", at: node.place, attribute: attribute,
                remedy: LaunchedNames.signalRemedy(signal, reporter))
        }
        return reaction
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
