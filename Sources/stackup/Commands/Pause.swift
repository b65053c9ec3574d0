import Terminal

/// `stackup pause`.
enum Pause {
    static let command = Command(
        "pause", summary: "Freeze services where they stand",
        discussion: """
            Every process of the services stands still and keeps its memory, until 'stackup unpause'. Health checks stand still, too. \
            'stop' and 'down' let a paused service go on first, so that it can end in order.
            """,
        examples: [.init("stackup pause worker", "have one service stand still"), .init("stackup pause", "all of them")],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        try act(
            invocation, title: "Pausing", on: { $0.status == .running },
            otherwise: { throw CommandFailure(nothing(to: "pause", $0, $1, but: $2)) }
        ) { try $0.pause(services: $1, onEvent: $2) }
    }
}

/// `stackup unpause`.
enum Unpause {
    static let command = Command(
        "unpause", summary: "Let paused services go on", examples: [.init("stackup unpause worker", "one service")],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        try act(
            invocation, title: "Unpausing", on: { $0.isPaused == true },
            otherwise: { stack, services, orphans in
                guard orphans.isEmpty else { throw CommandFailure(nothing(to: "unpause", stack, services, but: orphans)) }
                let names = services.map { $0.map { "'\($0)'" }.joined(separator: ", ") + " of " } ?? "nothing of "
                throw CommandFailure("nothing to unpause: \(names)'\(stack)' is \(services == nil ? "" : "not ")paused")
            }
        ) { try $0.unpause(services: $1, onEvent: $2) }
    }
}
