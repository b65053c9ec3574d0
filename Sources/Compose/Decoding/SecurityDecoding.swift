import Words
import YAML

/// Reads `security_opt`: what Docker has for each of its words, and what becomes of it where services are plain processes.
///
/// Source: `docker compose` splits at the first `=`, otherwise at the first `:`; Docker knows the words below and refuses others.
struct SecurityDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let reporter: Reporter

    private static let words = ["no-new-privileges", "seccomp", "apparmor", "label", "systempaths", "writable-cgroups"]

    func decode(_ node: Node) -> SecurityOptions {
        var options = SecurityOptions()
        for (index, item) in (node.sequence ?? []).enumerated() {
            guard let text = item.string else { continue }
            let separator = text.utf8.contains(UInt8(ascii: "=")) ? UInt8(ascii: "=") : UInt8(ascii: ":")
            let (word, value) = Text.cut(text, at: separator)
            decode(word, value, Entry(text: text, index: index, place: item.place), into: &options)
        }
        return options
    }

    private struct Entry {
        let text: String
        let index: Int
        let place: Place
    }

    private func decode(_ word: String, _ value: String?, _ entry: Entry, into options: inout SecurityOptions) {
        switch (word, value) {
        case ("no-new-privileges", nil), ("no-new-privileges", "true"?): break
        case ("no-new-privileges", "false"?):
            note(entry, "no service gains privileges: setuid programs of the host give none")
        case ("no-new-privileges", _): refuse(entry, "is neither true nor false", remedy: "write no-new-privileges:true")
        case ("seccomp", "unconfined"?): options.systemCalls = .unconfined
        case ("seccomp", "builtin"?): options.systemCalls = .standard
        case ("seccomp", let file?) where !file.isEmpty: options.systemCalls = .profile(file)
        case ("seccomp", _): refuse(entry, "names no profile", remedy: "write seccomp=FILE, or seccomp=unconfined")
        // That is what services have.
        case ("apparmor", "unconfined"?), ("label", "disable"?): break
        case ("apparmor", _):
            refuse(entry, "asks for an AppArmor profile, and services get none", remedy: "remove it; a seccomp profile is possible: seccomp=FILE")
        case ("label", _):
            refuse(entry, "asks for an SELinux label, and services get none", remedy: "remove it, or write label:disable")
        case ("systempaths", "unconfined"?):
            note(entry, "what is covered in /proc and /sys stays so; `privileged` uncovers it")
        case ("writable-cgroups", "false"?): break
        case ("writable-cgroups", _): note(entry, "control groups are the supervisor's alone")
        default:
            refuse(entry, "is no such option", remedy: reporter.suggestion(for: word, among: Self.words) ?? "there are \(Self.words.joined(separator: ", "))")
        }
    }

    private func attribute(_ entry: Entry) -> String { "\(path).security_opt[\(entry.index)]" }

    private func note(_ entry: Entry, _ reason: String) {
        reporter.note(
            NoEffect.Use(
                attribute: attribute(entry), pattern: "services.*.security_opt[]", owner: service, place: entry.place, reason: reason))
    }

    private func refuse(_ entry: Entry, _ what: String, remedy: String) {
        reporter.obstacle("\(attribute(entry)): '\(entry.text)' \(what)", at: entry.place, attribute: attribute(entry), remedy: remedy)
    }
}
