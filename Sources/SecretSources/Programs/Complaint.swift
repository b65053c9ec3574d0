import Glibc
import SecretMemory

/// What a program that failed said on standard error, as far as it can be shown.
///
/// One line is shown, since most programs say in one what went wrong, and none of it where a line of the output is in there: a program that
/// traces itself, such as a shell with `set -x`, would tell the value. What a program says of a value that it did not
/// print can't be recognised; docs/secret-sources.md says so.
enum Complaint {
    /// How much is read of it, in bytes.
    static let limit = 64 << 10
    /// How much is shown of it, in bytes.
    private static let shown = 300
    /// Shorter parts of an output are found in any text.
    private static let shortestPart = 4
    /// How many lines of the output are looked for; where it has more, nothing is shown.
    private static let partLimit = 1000

    /// A line without control characters.
    ///
    /// - Returns: nil where nothing was said.
    static func text(
        _ said: borrowing SecretBytes, _ line: ExternalProgram.TellingLine, besides output: borrowing SecretBytes
    ) -> String? {
        said.withUnsafeBytes { said in
            let lines = said.split(whereSeparator: isLineEnd).filter { $0.contains { $0 > 0x20 } }
            guard let telling = line == .first ? lines.first : lines.last else { return nil }
            let parts = output.withUnsafeBytes { output in
                let parts = output.split(maxSplits: partLimit, whereSeparator: isLineEnd)
                return parts.count > partLimit ? nil : parts.filter { $0.count >= shortestPart }
            }
            guard let parts else { return "what it said is not shown, since it printed too many lines to look for in there" }
            let isTold = parts.contains { showsAny(of: $0, telling) }
            return isTold ? "what it said is not shown, since what it printed is in there" : clean(telling)
        }
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d }

    /// Whether what is shown of a line has a text in it, or the start of one.
    private static func showsAny(of part: Slice<UnsafeRawBufferPointer>, _ line: Slice<UnsafeRawBufferPointer>) -> Bool {
        guard line.count >= part.count else { return false }
        let (line, part) = (UnsafeRawBufferPointer(rebasing: line), UnsafeRawBufferPointer(rebasing: part))
        return (0...min(line.count - part.count, shown - 1)).contains { start in
            line[start] == part[0] && memcmp(line.baseAddress! + start, part.baseAddress!, part.count) == 0
        }
    }

    private static func clean(_ line: Slice<UnsafeRawBufferPointer>) -> String {
        let scalars = String(decoding: line.prefix(shown), as: UTF8.self).unicodeScalars.map { scalar in
            switch scalar.properties.generalCategory {
            // Format characters, too, can turn a text round.
            case .control, .format, .lineSeparator, .paragraphSeparator: " " as Unicode.Scalar
            default: scalar
            }
        }
        var words = String(String.UnicodeScalarView(scalars)).split(separator: " ").joined(separator: " ")
        if line.count > shown { return words + "…" }
        // It becomes a part of a sentence.
        if words.hasSuffix("."), !words.hasSuffix("..") { words.removeLast() }
        return words
    }
}
