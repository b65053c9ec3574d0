import Glibc

/// The caller's environment as a dictionary; the first of two variables of one name counts, as in getenv(3).
public func callersEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, variables[String(parts[0])] == nil { variables[String(parts[0])] = String(parts[1]) }
        entry += 1
    }
    return variables
}
