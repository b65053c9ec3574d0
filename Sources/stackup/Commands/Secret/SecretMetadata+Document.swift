import Runner
import SecretStore
import Terminal

extension SecretMetadata {
    /// Docker's members, with the source and the versions.
    func document(in store: SecretStore?) -> TemplateValue {
        .record([
            .init("ID", .string(id)),
            .init("Version", .record([.init("Index", .integer(Int64(newest.number)))])),
            .init("CreatedAt", .string(timestamp(createdAt))),
            .init("UpdatedAt", .string(timestamp(updatedAt))),
            .init(
                "Spec",
                .record([
                    .init("Name", .string(name)), .init("Labels", TemplateValue(labels)),
                    .init("Driver", driver(in: store).map { .record([.init("Name", .string($0))]) } ?? .absent),
                ])),
            .init("Source", .string(source)),
            .init("Sealed", .bool(isSealed)),
            .init("Failure", failure.map(\.document) ?? .absent),
            .init("Versions", .list(versions.map(\.document))),
        ])
    }

    /// The same for people.
    func prettyText(in store: SecretStore?) -> String {
        var facts = [
            ("ID:", id), ("Name:", name), ("Driver:", driver(in: store) ?? ""), ("Created at:", timestamp(createdAt)), ("Updated at:", timestamp(updatedAt)),
            ("Source:", source),
        ]
        if isSealed { facts.append(("Sealed:", "the store is the only place of its value")) }
        if let failure {
            facts.append(("Failure:", "\(failure.reason) (\(failure.count)×, last at \(timestamp(failure.at)))"))
        }
        var lines = facts.map { $0 + String(repeating: " ", count: 13 - $0.count) + sanitizedForTerminal($1) }
        let labels = labels.sorted { $0.key < $1.key }.map { key, value in
            " - " + sanitizedForTerminal(value.isEmpty ? key : "\(key)=\(value)")
        }
        if !labels.isEmpty { lines += ["Labels:"] + labels }
        lines += ["Versions:"]
        lines += versions.map { " - \($0.number): \(timestamp($0.createdAt)), \(humanSize(bytes: Int64($0.size))), fingerprint \($0.fingerprint)" }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The driver that its newest value came from; where that was given by hand, the one that a stack's next `up` asks, as the stack was last
    /// applied.
    func driver(in store: SecretStore?) -> String? {
        if let driver = newest.driver { return driver }
        // Few are worth a look at all stacks.
        guard let store, versions.contains(where: { $0.driver != nil }) else { return nil }
        return (try? RecordedOrigin.all(of: name, in: store))?.lazy.compactMap { recorded in
            if case .driver(let driver, _, _)? = recorded.origin.place { driver } else { nil }
        }.first
    }
}

extension SecretVersion {
    /// The driver that it came from, if one was asked.
    fileprivate var driver: String? {
        let words = source.split(separator: " ")
        return words.count >= 2 && words[0] == "driver" ? String(words[1]) : nil
    }

    fileprivate var document: TemplateValue {
        .record([
            .init("Version", .integer(Int64(number))), .init("CreatedAt", .string(timestamp(createdAt))),
            .init("Size", .integer(Int64(size))), .init("Fingerprint", .string(fingerprint)), .init("Source", .string(source)),
            .init("UID", uid.map { .integer(Int64($0)) } ?? .absent),
        ])
    }
}

extension SecretMetadata.Failure {
    fileprivate var document: TemplateValue {
        .record([.init("At", .string(timestamp(at))), .init("Count", .integer(Int64(count))), .init("Reason", .string(reason))])
    }
}

/// RFC 3339, as Docker has it.
private func timestamp(_ seconds: Int64) -> String {
    LogTime(nanoseconds: seconds * 1_000_000_000).description
}
