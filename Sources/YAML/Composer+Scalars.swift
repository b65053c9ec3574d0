import CYAML

/// What libyaml's tags and texts mean.
extension Composer {
    func text(_ bytes: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        bytes.map { String(cString: $0) }
    }

    /// - Parameter isScalar: whether it stands before a text.
    mutating func mergeTag(
        _ tag: UnsafeMutablePointer<yaml_char_t>?, _ place: Place, isScalar: Bool = false
    ) -> Node.MergeTag {
        guard let tag = text(tag) else { return .none }
        switch tag {
        case "!reset": return isBelowOverride ? .none : .reset
        case "!override": return isBelowOverride ? .none : .override
        default:
            if tag != "!", !tag.hasPrefix(Self.standardTag) {
                diagnostics.append(
                    Diagnostic(
                        .warning, "the tag '\(tag)' is dropped: only !reset and !override mean something in a Compose file",
                        at: place, remedy: isScalar ? "if it belongs to the text, put all of it in quotes" : nil))
            }
            return .none
        }
    }

    private static let standardTag = "tag:yaml.org,2002:"

    func isMerge(_ event: yaml_event_t) -> Bool {
        let scalar = event.data.scalar
        guard scalar.length == 2, scalar.value[0] == UInt8(ascii: "<"), scalar.value[1] == UInt8(ascii: "<") else {
            return false
        }
        guard let tag = text(scalar.tag), tag != "!" else { return scalar.style == YAML_PLAIN_SCALAR_STYLE }
        return tag == Self.standardTag + "merge"
    }

    mutating func scalar(_ event: yaml_event_t, _ place: Place) -> Node {
        let scalar = event.data.scalar
        let text = String(
            decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
        guard let tag = self.text(scalar.tag), tag != "!" else {
            let plain = scalar.style == YAML_PLAIN_SCALAR_STYLE
            return Node(plain ? ScalarResolution.resolve(text) : .string(text), at: place)
        }
        if tag.hasPrefix(Self.standardTag) {
            let short = tag.dropFirst(Self.standardTag.count)
            if let value = ScalarResolution.resolve(text, tag: short) { return Node(value, at: place) }
            let isBytes = short == "binary" && Base64.decode(text) != nil
            diagnostics.append(
                isBytes
                    ? Diagnostic(
                        .error, "the value of '!!binary' is not UTF-8 text", at: place,
                        remedy: "keep bytes that are no text in a file")
                    : Diagnostic(
                        .error, "the value is not what its tag '!!\(short)' says" + (short == "binary" ? ": it is not base64" : ""),
                        at: place))
            return Node(.null, at: place)
        }
        // A tag that YAML does not know makes a text of any scalar.
        return Node(.string(text), at: place, tag: mergeTag(scalar.tag, place, isScalar: true))
    }
}
