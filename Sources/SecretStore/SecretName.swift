/// What is wrong with a secret's name, or nil where it is a good one.
///
/// Docker's rule: letters, digits, `-`, `_` and `.`, starting and ending with a letter or a digit,
/// 64 characters at most (docs.docker.com, `docker secret create`).
public func secretNameProblem(_ name: String) -> String? {
    func isAlphanumeric(_ character: UInt8) -> Bool {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
    let characters = Array(name.utf8)
    guard let first = characters.first, let last = characters.last else {
        return "a secret's name must not be empty"
    }
    guard characters.count <= 64 else {
        return "a secret's name has 64 characters at most, this one has \(characters.count)"
    }
    let others = Set("-_.".utf8)
    guard characters.allSatisfy({ isAlphanumeric($0) || others.contains($0) }) else {
        return "a secret's name holds only letters, digits, '-', '_' and '.'"
    }
    guard isAlphanumeric(first), isAlphanumeric(last) else {
        return "a secret's name starts and ends with a letter or a digit"
    }
    return nil
}

/// What is wrong with a stack's name, or nil: Compose's rule for project names, and a limit.
func stackNameProblem(_ name: String) -> String? {
    guard let first = name.utf8.first else { return "a stack's name must not be empty" }
    if name.utf8.count > 255 { return "a stack's name has 255 bytes at most, this one has \(name.utf8.count)" }
    let others = Set("abcdefghijklmnopqrstuvwxyz0123456789_-".utf8)
    guard name.utf8.allSatisfy(others.contains), first != UInt8(ascii: "-"), first != UInt8(ascii: "_") else {
        return "a stack's name holds only lower-case letters, digits, '-' and '_', and starts with a letter or a digit"
    }
    return nil
}

/// What is wrong with a secret's labels, or nil.
func labelsProblem(_ labels: [String: String]) -> String? {
    if labels.count > 128 { return "a secret has 128 labels at most, this one has \(labels.count)" }
    for (key, value) in labels {
        if key.isEmpty { return "a label's name must not be empty" }
        if key.utf8.count > 255 { return "a label's name has 255 bytes at most, this one has \(key.utf8.count)" }
        if hasControlCharacter(key) { return "a label's name must not hold control characters" }
        if value.utf8.count > 4096 {
            return "a label's value has 4096 bytes at most, that of '\(key)' has \(value.utf8.count)"
        }
    }
    return nil
}

private func hasControlCharacter(_ text: String) -> Bool {
    text.utf8.contains { $0 < 0x20 || $0 == 0x7f }
}
