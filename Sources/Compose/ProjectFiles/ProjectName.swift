/// Why a name can't be a project's, or nil where it can.
///
/// Source: the Compose specification, "Name top-level element".
public func projectNameProblem(_ name: String) -> String? {
    guard normalizedProjectName(name) != name || name.isEmpty else { return nil }
    return "invalid project name \"\(name)\": must consist only of lowercase alphanumeric characters, hyphens, "
        + "and underscores as well as start with a letter or number"
}

/// A name with what isn't allowed left out, as it is done with a directory's name; it may be empty.
func normalizedProjectName(_ name: String) -> String {
    var result: [UInt8] = []
    for byte in name.lowercased().utf8 {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            result.append(byte)
        case UInt8(ascii: "_"), UInt8(ascii: "-"):
            if !result.isEmpty { result.append(byte) }
        default:
            break
        }
    }
    return String(decoding: result, as: UTF8.self)
}
