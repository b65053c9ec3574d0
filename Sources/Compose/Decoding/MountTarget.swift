import Linux
import YAML

extension Reporter {
    /// Where something is to be mounted in a service: an absolute path, without detours.
    ///
    /// - Parameter path: the attribute's.
    /// - Returns: nil where nothing can be mounted there, which is reported.
    func mountTarget(_ text: String, at place: Place, _ path: String) -> String? {
        guard text.hasPrefix("/"), !text.utf8.contains(0), !Paths.components(text).contains("..") else {
            obstacle(
                "\(path): the target '\(text)' must be an absolute path without '..'", at: place, attribute: path,
                remedy: Self.drive(text) ?? "write where it is to be in the service")
            return nil
        }
        let clean = Paths.clean(text)
        guard clean != "/" else {
            obstacle("\(path): nothing can be mounted over '/'", at: place, attribute: path, remedy: "name a path below it")
            return nil
        }
        return clean
    }

    /// What to write instead of `d:/data`, where the letter was meant as a volume's name.
    private static func drive(_ text: String) -> String? {
        let (letter, rest) = Text.cut(text, at: UInt8(ascii: ":"))
        guard letter.unicodeScalars.count == 1, let rest, rest.hasPrefix("/") else { return nil }
        return "a single letter before ':' is read as a drive of Windows: give the volume a longer name, or write {type: volume, source: \(letter), target: \(rest)}"
    }
}
