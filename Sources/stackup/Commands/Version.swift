import Terminal

/// `stackup version`.
enum Version {
    static let command = Command(
        "version", summary: "Show the version",
        examples: [.init("stackup version --short", "the number alone")],
        options: [
            .flag("short", help: "Show only the number"),
            .choice("format", short: "f", ["pretty", "json"], help: "How to print it (default pretty)"),
        ], inheritedOptions: CommandTree.withoutStore)

    static func run(_ invocation: Invocation) throws -> Int32 {
        if invocation.wantsJSON {
            invocation.streams.print(#"{"version":"\#(Installation.version)"}"#)
        } else {
            invocation.streams.print(
                invocation.flag("short") ? Installation.version : "stackup version \(Installation.version)")
        }
        return 0
    }
}
