import YAML

/// Hosts and their addresses. They keep the form in which they were written until all files are merged, since Compose
/// takes `a:1.2.3.4` and `a=1.2.3.4` for two.
struct ExtraHosts {
    let reporter: Reporter

    /// `HOST=ADDRESS` texts, sorted, of a list or a mapping.
    func list(_ node: Node, _ path: String) -> Node {
        var lines: [Node] = []
        func add(_ host: String, _ address: some StringProtocol, _ place: Place) {
            guard !host.isEmpty, !host.utf8.contains(where: { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "=") }) else {
                reporter.error(
                    "\(path): invalid host name '\(host)'", at: place, attribute: path, remedy: "write it as HOST=ADDRESS")
                return
            }
            let isBracketed = address.utf8.count > 2 && address.hasPrefix("[") && address.hasSuffix("]")
            let bare = isBracketed ? String(address.dropFirst().dropLast()) : String(address)
            lines.append(Node(.string("\(host)=\(bare)"), at: place))
        }
        for item in node.sequence ?? [] {
            let text = item.string ?? ""
            let separator = text.utf8.contains(UInt8(ascii: "=")) ? UInt8(ascii: "=") : UInt8(ascii: ":")
            let (host, addresses) = Text.cut(text, at: separator)
            guard let addresses else {
                reporter.error(
                    "\(path): '\(text)' has no address", at: item.place, attribute: path, remedy: "write it as HOST=ADDRESS")
                continue
            }
            for address in addresses.split(separator: ",", omittingEmptySubsequences: false) { add(host, address, item.place) }
        }
        for entry in node.mapping?.entries ?? [] {
            for address in entry.value.sequence ?? [entry.value] {
                add(entry.key, address.scalarText ?? "", address.place)
            }
        }
        lines.sort { KeyOrder.json($0.string ?? "", $1.string ?? "") }
        return node.with(.sequence(lines))
    }
}
