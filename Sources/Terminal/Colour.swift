/// When output has colours: `--ansi`.
public enum ColourPolicy: String, Sendable, CaseIterable {
    case auto, never, always

    /// Whether to colour what goes to a descriptor.
    ///
    /// `auto` colours on a terminal unless `NO_COLOR` is set, `CLICOLOR` is 0 or the terminal is a dumb one;
    /// `CLICOLOR_FORCE` colours anywhere. Sources: <https://no-color.org>, <https://bixense.com/clicolors>.
    ///
    /// - Parameters:
    ///   - isTerminal: whether the descriptor is one.
    ///   - environment: looks up a variable of the caller.
    public func isEnabled(isTerminal: Bool, environment: (String) -> String?) -> Bool {
        switch self {
        case .always: return true
        case .never: return false
        case .auto:
            if environment("NO_COLOR")?.isEmpty == false { return false }
            if let force = environment("CLICOLOR_FORCE"), !force.isEmpty, force != "0" { return true }
            if environment("CLICOLOR") == "0" || environment("TERM") == "dumb" { return false }
            return isTerminal
        }
    }
}

/// How a piece of text looks: the parameters of a Select Graphic Rendition sequence (ECMA-48, 8.3.117).
public struct Style: Sendable, Equatable {
    public let code: String

    public static let bold = Style(code: "1")
    public static let dim = Style(code: "2")
    public static let red = Style(code: "31")
    public static let green = Style(code: "32")
    public static let yellow = Style(code: "33")
    public static let blue = Style(code: "34")
    public static let magenta = Style(code: "35")
    public static let cyan = Style(code: "36")
    public static let boldRed = Style(code: "1;31")
    public static let boldYellow = Style(code: "1;33")

    /// The text in this style, or as it is where `enabled` is false.
    public func callAsFunction(_ text: String, enabled: Bool) -> String {
        enabled && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}

/// What stands before each line of an instance's output: `web-1  | `, aligned, in Compose's cycle of colours.
public struct LogPrefixes: Sendable {
    private static let cycle = ["36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"].map(Style.init)

    private var styles: [String: Style] = [:]
    private var width = 0
    private let isColoured: Bool

    /// - Parameters:
    ///   - names: the instances known so far; the longest one gives the column.
    ///   - isColoured: as ``ColourPolicy`` has it for standard output.
    public init(names: [String], isColoured: Bool) {
        self.isColoured = isColoured
        for name in names { add(name) }
    }

    /// The prefix for an instance; one that is new gets the next colour, and a longer name widens the column.
    public mutating func prefix(for name: String) -> String {
        add(name)
        let shown = sanitizedForTerminal(name)
        let text = shown + String(repeating: " ", count: width - displayWidth(shown)) + "  | "
        return styles[name]!(text, enabled: isColoured)
    }

    /// A line about the instance itself, in its colour.
    public mutating func statement(about name: String, _ text: String) -> String {
        add(name)
        return styles[name]!(sanitizedForTerminal("\(name) \(text)"), enabled: isColoured)
    }

    private mutating func add(_ name: String) {
        guard styles[name] == nil else { return }
        styles[name] = Self.cycle[styles.count % Self.cycle.count]
        width = max(width, displayWidth(sanitizedForTerminal(name)))
    }
}
