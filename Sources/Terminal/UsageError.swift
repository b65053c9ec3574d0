/// A command line that does not say what to do.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The exit status for it: `EX_USAGE` of sysexits(3).
    public static let exitStatus: Int32 = 64

    /// What is wrong; safe to print.
    public let message: String
    /// What to do about it, for example `did you mean '--detach'?`.
    public let remedy: String?
    /// The command it happened in, as typed from the program's name on: its help says more.
    public let commandPath: [String]

    public init(_ message: String, remedy: String? = nil, commandPath: [String] = []) {
        self.message = sanitizedForTerminal(message)
        self.remedy = remedy.map(sanitizedForTerminal)
        self.commandPath = commandPath
    }

    /// `unknown option '--detatch'; did you mean '--detach'?`
    public var description: String {
        remedy.map { "\(message); \($0)" } ?? message
    }

    /// What to print: the description, then where to read more.
    public var text: String {
        guard let program = commandPath.first else { return description }
        return "\(program): \(description)\nsee '\(commandPath.joined(separator: " ")) --help'"
    }
}

/// The one of `candidates` that `word` is most likely a misspelling of, or nil where none is close.
public func nearest<Candidates: Sequence<String>>(to word: String, among candidates: Candidates) -> String? {
    // A longer word would need more than the slips that make a misspelling, and quadratic work to say so.
    guard word.count <= 64 else { return nil }
    let allowed = max(1, word.count / 3)
    var best: (distance: Int, candidate: String)?
    for candidate in candidates {
        let distance = slips(from: Array(word), to: Array(candidate))
        if distance <= allowed, distance < best?.distance ?? .max { best = (distance, candidate) }
    }
    return best?.candidate
}

/// How many characters were inserted, dropped, replaced or swapped with their neighbour (the restricted
/// Damerau-Levenshtein distance).
private func slips(from word: [Character], to other: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in word.indices {
        var current = [row + 1]
        for column in other.indices {
            var least = min(
                last[column] + (word[row] == other[column] ? 0 : 1), last[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, word[row] == other[column - 1], word[row - 1] == other[column] {
                least = min(least, beforeLast[column - 1] + 1)
            }
            current.append(least)
        }
        beforeLast = last
        last = current
    }
    return last[other.count]
}
