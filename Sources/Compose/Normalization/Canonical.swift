import Words
import YAML

/// Brings every attribute into its one canonical form: long instead of short, units spelt out, lists for single
/// values, mappings for `K=V` lists.
struct Canonical {
    let reporter: Reporter

    /// The canonical form of a node that has passed validation.
    func apply(_ node: Node, _ shape: Shape, _ path: @autoclosure () -> String) -> Node {
        // What an extended service removes has no value that could have a form.
        if node.tag == .reset { return node }
        switch shape {
        case .string, .rawText, .choice, .any, .hosts:
            return node
        case .text:
            return node.string != nil ? node : node.scalarText.map { node.with(.string($0)) } ?? node
        case .boolean, .integer, .wholePart, .number, .deviceCount, .bytes, .duration, .fileMode, .modeNumber:
            return scalar(node, shape, path())
        case .list(let inner):
            guard let items = node.sequence else { return node }
            return node.with(.sequence(each(items, inner, path())))
        case .oneOrList(let inner):
            if node.isNull { return node }
            return node.with(.sequence(each(node.sequence ?? [node], inner, path())))
        case .command:
            return command(node, path())
        case .healthTest:
            guard node.string != nil else { return node }
            return node.with(.sequence([Node(.string("CMD-SHELL"), at: node.place), node]))
        case .keyValues(let kind):
            return keyValues(node, kind, path())
        case .map(let inner, _):
            guard let mapping = node.mapping else { return node }
            return node.with(.mapping(entries(mapping, path()) { value, path in
                // Where texts are expected, nothing is an empty one.
                if case .text = inner, value.isNull { value.with(.string("")) } else { apply(value, inner, path) }
            }))
        case .multipleTexts:
            guard let mapping = node.mapping else { return node }
            let all = entries(mapping, path()) { value, _ in
                value.with(.sequence((value.sequence ?? [value]).map { $0.with(.string($0.scalarText ?? "")) }))
            }
            return node.with(.mapping(Mapping(all.entries.filter { $0.value.sequence?.isEmpty == false })))
        case .namesOrMap(let inner):
            return names(node, inner, path())
        case .object(let object):
            return self.object(node, object, path())
        case .short(let form, let inner):
            return short(node, form, inner, path())
        case .shortList(let form, let inner):
            guard let items = node.sequence else { return node }
            let place = path()
            let long = items.enumerated().flatMap { index, item in
                item.mapping == nil ? ShortForms(reporter).expand(item, form, "\(place)[\(index)]") : [item]
            }
            return node.with(.sequence(each(long, inner, place)))
        case .external:
            return node.mapping != nil ? node.with(.bool(true)) : scalar(node, .boolean, path())
        }
    }

    private func each(_ items: [Node], _ shape: Shape, _ path: String) -> [Node] {
        items.enumerated().map { apply($1, shape, "\(path)[\($0)]") }
    }

    private func entries(_ mapping: Mapping, _ path: String, _ change: (Node, String) -> Node) -> Mapping {
        Mapping(
            mapping.entries.map { entry in
                Mapping.Entry(entry.key, at: entry.keyPlace, change(entry.value, "\(path).\(entry.key)"))
            })
    }

    private func object(_ node: Node, _ object: ObjectShape, _ path: @autoclosure () -> String) -> Node {
        guard let mapping = node.mapping else { return node }
        var result = Mapping()
        result.entries.reserveCapacity(mapping.count)
        for entry in mapping.entries {
            if let attribute = object[entry.key] {
                let value = apply(entry.value, attribute.shape, below(path(), entry.key))
                result.entries.append(Mapping.Entry(entry.key, at: entry.keyPlace, value))
            } else {
                result.entries.append(entry)
            }
        }
        return node.with(.mapping(result))
    }

    private func below(_ path: String, _ key: String) -> String {
        path.isEmpty ? key : "\(path).\(key)"
    }

    private func scalar(_ node: Node, _ shape: Shape, _ path: String) -> Node {
        switch (shape, node.value) {
        case (.boolean, .string(let text)):
            guard let value = ScalarText.boolean(text) else { return node }
            if !["true", "false"].contains(text.lowercased()) {
                reporter.warning(
                    "\"\(text)\" for boolean is not supported by YAML 1.2, please use `\(value)`", at: node.place,
                    attribute: path)
            }
            return node.with(.bool(value))
        case (.integer, .float(let number)), (.wholePart, .float(let number)):
            return node.with(.integer(Int64(exactly: number.rounded(.towardZero)) ?? 0))
        case (.integer, .string(let text)), (.wholePart, .string(let text)):
            return node.with(.integer(Int64(text) ?? 0))
        case (.number, .string(let text)):
            return node.with(.float(ScalarText.singlePrecision(Float(text) ?? 0)))
        case (.number, .integer(let number)):
            return node.with(.float(ScalarText.singlePrecision(Float(number))))
        case (.number, .float(let number)):
            return node.with(.float(ScalarText.singlePrecision(Float(number))))
        case (.deviceCount, .string(let text)):
            if text.lowercased() == "all" { return node.with(.integer(-1)) }
            guard let count = Int64(text) else {
                reporter.error(
                    "\(path): invalid count '\(text)'", at: node.place, attribute: path, remedy: "write a number, or all")
                return node
            }
            return node.with(.integer(count))
        case (.bytes, .integer(let bytes)):
            return node.with(.string(String(bytes)))
        case (.bytes, .float):
            // Compose takes it, and makes nothing of it.
            reporter.warning(
                "\(path): a number of bytes has no fraction, so this one is ignored", at: node.place, attribute: path,
                remedy: "write it with a unit, as 1.5g")
            return node.with(.string("0"))
        case (.bytes, .string(let text)):
            guard let bytes = ScalarText.bytes(text) else {
                reporter.error("\(path): invalid size '\(text)'", at: node.place, attribute: path, remedy: "write it as 64m or 1gb")
                return node
            }
            return node.with(.string(String(bytes)))
        case (.duration, .string(let text)):
            guard let nanoseconds = DurationText.nanoseconds(text) else {
                let joined = text.split(separator: " ").joined()
                reporter.error(
                    "\(path): invalid duration '\(text)'", at: node.place, attribute: path,
                    remedy: joined != text && DurationText.nanoseconds(joined) != nil
                        ? "write it without a space: \(joined)" : "write it with units: 1m30s")
                return node
            }
            return node.with(.string(DurationText.text(nanoseconds: nanoseconds)))
        case (.fileMode, .string(let text)):
            return node.with(.string("0" + String(ScalarText.octal(text) ?? 0, radix: 8)))
        case (.fileMode, .integer(let mode)):
            if !(0...0o7777).contains(mode) {
                reporter.error(
                    "\(path): invalid mode \(mode)", at: node.place, attribute: path, remedy: "write octal digits: 0440")
            }
            return node.with(.string("0" + String(mode, radix: 8)))
        case (.modeNumber, .string(let text)):
            return node.with(.integer(ScalarText.octal(text) ?? 0))
        default:
            return node
        }
    }

    private func command(_ node: Node, _ path: String) -> Node {
        guard let text = node.string else { return node }
        do {
            let (words, end) = try ShellWords.command(in: text)
            if let end { adviseOfOperator(in: text, at: end, node.place, path) }
            return node.with(.sequence(words.map { Node(.string($0), at: node.place) }))
        } catch {
            let problem = error == .openQuote ? "a quote or backslash at the end is open" : "a parenthesis is not in quotes"
            reporter.error(
                "\(path): \(problem)", at: node.place, attribute: path,
                remedy: "put it in quotes, or write the command as a list")
            return node.with(.sequence([]))
        }
    }

    /// Warns of what Compose leaves out of a command without a word. What is left out is not shown: a variable's value may be in it.
    private func adviseOfOperator(in text: String, at end: Int, _ place: Place, _ path: String) {
        let shown = ShellWords.operatorText(in: text, at: end)
        guard let byte = shown.utf8.first else { return }
        // Behind a variable the text has operators that are not the value's, and the value some that are not the text's.
        let ordinal = text.utf8.prefix(end).count { $0 == byte }
        reporter.advise(
            "no shell runs this: what follows '\(shown)' is left out",
            at: place.occurrence(ordinal, of: byte, before: UInt8(ascii: "$")), attribute: path,
            remedy: "write [sh, -c, '…'] for a shell to run all of it, or quote what is to be passed on as it is")
    }

    private func keyValues(_ node: Node, _ kind: Shape.KeyValues, _ path: String) -> Node {
        func value(_ text: String?, _ node: Node) -> Node {
            switch (text, kind) {
            case (let text?, _): Node(.string(text), at: node.place)
            case (nil, .environment): Node(.null, at: node.place)
            case (nil, .labels): Node(.string(""), at: node.place)
            }
        }
        guard let items = node.sequence else {
            guard let mapping = node.mapping else { return node }
            return node.with(.mapping(entries(mapping, path) { old, _ in
                old.string != nil || old.tag == .reset ? old : value(old.scalarText, old)
            }))
        }
        var result = Mapping()
        var indexes: [String: Int] = [:]
        for item in items {
            let (key, text) = Text.cut(item.string ?? "", at: UInt8(ascii: "="))
            if kind == .environment, key.unicodeScalars.last?.properties.isWhitespace == true {
                reporter.error(
                    "\(path): '\(key)' ends with a space", at: item.place, attribute: path,
                    remedy: "remove the space before '='")
            }
            let entry = Mapping.Entry(key, at: item.place, value(text, item))
            if let index = indexes[key] {
                result.entries[index] = entry
            } else {
                indexes[key] = result.count
                result.entries.append(entry)
            }
        }
        return node.with(.mapping(result))
    }

    private func names(_ node: Node, _ inner: Shape, _ path: String) -> Node {
        let isDependencies = if case .object(let object) = inner { object === ServiceAttributes.dependency } else { false }
        guard let items = node.sequence else {
            let long = apply(node, .map(inner), path)
            return isDependencies ? long.changingEach { $1.settingIfAbsent("required", .bool(true)) } : long
        }
        var result = Mapping()
        var seen: Set<String> = []
        for item in items {
            guard let name = item.string, seen.insert(name).inserted else { continue }
            let value = isDependencies ? Node.dependency(at: item.place) : Node(.null, at: item.place)
            result.entries.append(Mapping.Entry(name, at: item.place, value))
        }
        return node.with(.mapping(result))
    }

    private func short(_ node: Node, _ form: Shape.ShortForm, _ inner: Shape, _ path: String) -> Node {
        switch form {
        case .gpus where node.string != nil:
            return node.with(.sequence([Node(.mapping(Mapping()), at: node.place)]))
        case .ulimit where node.mapping == nil:
            let limit = scalar(node, .integer, path)
            guard limit.integer == 0 else { return limit }
            // Compose has no other form for it.
            return node.with(.mapping(Mapping(["soft", "hard"].map { Mapping.Entry($0, at: node.place, limit) })))
        case .envFile where node.string != nil:
            return apply(node.with(.sequence([node])), inner, path)
        case .attribute(let name) where node.string != nil:
            let entry = Mapping.Entry(name, at: node.place, Node(node.value, at: node.place))
            return apply(node.with(.mapping(Mapping([entry]))), inner, path)
        default:
            return apply(node, inner, path)
        }
    }
}
