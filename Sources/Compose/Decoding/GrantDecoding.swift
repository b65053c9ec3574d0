import Linux
import YAML

/// Reads a service's `secrets` and `configs`.
struct GrantDecoding {
    private let service: String
    private let reporter: Reporter

    init(_ service: String, _ reporter: Reporter) {
        self.service = service
        self.reporter = reporter
    }

    func secrets(_ node: Node) -> [SecretGrant] {
        grants(node, "secrets", below: "/run/secrets/").map { grant in
            SecretGrant(
                secret: grant.source, target: grant.target, uid: grant.uid, gid: grant.gid, mode: grant.mode,
                onSecretChange: grant.extension.flatMap { ExtensionDecoding(grant.path, reporter).reaction(ofGrant: $0) },
                location: grant.location)
        }
    }

    func configs(_ node: Node) -> [ConfigGrant] {
        grants(node, "configs", below: "/").map { grant in
            if let entry = grant.extension {
                reporter.warning(
                    "\(grant.path).x-stackup says nothing: it is for secrets", at: entry.keyPlace, attribute: "\(grant.path).x-stackup",
                    remedy: "remove it")
            }
            return ConfigGrant(
                config: grant.source, target: grant.target, uid: grant.uid, gid: grant.gid, mode: grant.mode, location: grant.location)
        }
    }

    private struct Grant {
        let path: String
        let source: String
        let target: String
        let uid: UInt32?
        let gid: UInt32?
        let mode: UInt32
        /// `x-stackup`.
        let `extension`: Mapping.Entry?
        let location: SourceLocation
    }

    private func grants(_ node: Node, _ attribute: String, below directory: String) -> [Grant] {
        (node.sequence ?? []).enumerated().compactMap { index, item in
            guard item.mapping != nil else { return nil }
            let path = "\(service).\(attribute)[\(index)]"
            guard let source = item["source"]?.string, !source.isEmpty else {
                reporter.obstacle("\(path) lacks 'source'", at: item.place, attribute: path)
                return nil
            }
            let target = item["target"]?.string ?? source
            check(target, item["target"]?.place ?? item.place, path)
            warnOfDecimal(item["mode"], path)
            return Grant(
                path: path, source: source, target: Paths.clean(target.hasPrefix("/") ? target : directory + target),
                uid: number(item, "uid", path), gid: number(item, "gid", path),
                mode: UInt32(item["mode"]?.string.flatMap(ScalarText.octal) ?? 0o444),
                extension: item.mapping?.entries.first { $0.key == "x-stackup" }, location: item.place.location)
        }
    }

    /// A target is a file below the root: `..` could lead out of the directory that is meant, and a NUL ends a path.
    private func check(_ target: String, _ place: Place, _ path: String) {
        let parts = Array(target.utf8).split(separator: UInt8(ascii: "/"))
        let attribute = "\(path).target", remedy = "give the file's name, or its absolute path"
        if target.utf8.contains(0) {
            reporter.error("\(attribute) has a NUL character", at: place, attribute: attribute, remedy: remedy)
        } else if parts.contains(where: { $0.elementsEqual("..".utf8) }) {
            reporter.error("\(attribute) has '..'", at: place, attribute: attribute, remedy: remedy)
        } else if parts.allSatisfy({ $0.elementsEqual(".".utf8) }) || target.hasSuffix("/") {
            reporter.obstacle("\(attribute) is not a file's path", at: place, attribute: attribute, remedy: remedy)
        }
    }

    /// `mode: 400` is a decimal number, 0620: it lets others write and the owner's readers not read. Whoever writes digits that make
    /// sense as permission bits meant them so; 256 (0400) or 420 (0644) do not.
    private func warnOfDecimal(_ mode: Node?, _ path: String) {
        guard let place = mode?.place, let bits = mode?.string else { return }
        let digits = place.source.lineBytes(place.line).dropFirst(place.column - 1).prefix { (0x30...0x39).contains($0) }
        guard digits.count == 3, let first = digits.first, digits.allSatisfy({ [0x30, 0x34, 0x35, 0x36, 0x37].contains($0) }),
            digits.allSatisfy({ $0 <= first })
        else { return }
        let written = String(decoding: digits, as: UTF8.self)
        reporter.warning(
            "\(path).mode: \(written) is a decimal number, and means \(bits)", at: place, attribute: "\(path).mode",
            remedy: "did you mean 0\(written)?")
    }

    private func number(_ item: Node, _ attribute: String, _ path: String) -> UInt32? {
        guard let node = item[attribute], let text = node.string else { return nil }
        // The largest value means `unchanged` to chown(2).
        guard let number = UInt32(text), number != .max else {
            reporter.obstacle(
                "\(path).\(attribute) must be a number, not '\(text)'", at: node.place, attribute: "\(path).\(attribute)",
                remedy: "`id -\(attribute.prefix(1)) NAME` prints it")
            return nil
        }
        return number
    }
}
