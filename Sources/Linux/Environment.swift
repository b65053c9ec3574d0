import Glibc

/// The caller's environment as a dictionary; the first of two variables of one name counts, as in getenv(3).
public func callersEnvironment() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        entry += 1
        guard let equals = strchr(text, Int32(UInt8(ascii: "="))) else { continue }
        let name = UnsafeRawBufferPointer(start: text, count: equals - text)
        let variable = String(decoding: name, as: UTF8.self)
        if variables[variable] == nil { variables[variable] = String(cString: equals + 1) }
    }
    return variables
}
