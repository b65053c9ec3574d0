/// The short form of a volume: `[SOURCE:]TARGET[:OPTIONS]`.
///
/// Source: the Compose specification, "volumes", short syntax.
struct VolumeSpecification: Equatable {
    /// Empty for an anonymous volume.
    var source = ""
    var target = ""
    var readOnly = false
    var noCopy = false
    var propagation: String?
    var selinux: String?
    /// What is no option, and is passed over.
    var unknownOptions: [String] = []
    /// Why the text is none, with what could be read in the other fields.
    var problem: String?

    /// Whether the source is a path rather than a volume's name.
    var isBind: Bool {
        guard let first = source.utf8.first else { return false }
        return first == UInt8(ascii: ".") || first == UInt8(ascii: "/") || first == UInt8(ascii: "~")
            || source.hasPrefix("\\\\") || source.dropFirst().utf8.first == UInt8(ascii: ":")
    }

    static func parse(_ text: String) -> VolumeSpecification {
        var result = VolumeSpecification()
        let parts = split(text)
        if text.isEmpty {
            result.problem = "the volume is empty"
        } else if parts.contains("") {
            result.problem = "there is nothing between two colons, or before or after one"
        } else if parts.count > 3 {
            result.problem = "there are too many colons"
        }
        guard parts.count > 1 else {
            result.target = text
            return result
        }
        result.source = parts[0]
        result.target = parts[1]
        if parts.count > 2 { result.apply(options: parts[2]) }
        return result
    }

    /// Between colons, but for those after a letter alone, which is a drive of Windows, and those in `${…}`.
    private static func split(_ text: String) -> [String] {
        guard text.utf8.count > 2 else { return [text] }
        var parts: [String] = []
        var current = ""
        var depth = 0
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            if scalar == "{", previous == "$" { depth += 1 }
            if scalar == "}", depth > 0 { depth -= 1 }
            if scalar == ":", depth == 0, !(current.unicodeScalars.count == 1 && previous?.properties.isAlphabetic == true) {
                parts.append(current)
                current = ""
            } else {
                current.unicodeScalars.append(scalar)
            }
            previous = scalar
        }
        return parts + [current]
    }

    private mutating func apply(options: String) {
        for option in options.split(separator: ",") {
            switch option {
            case "ro": readOnly = true
            case "rw": readOnly = false
            case "nocopy": noCopy = true
            case "z", "Z": selinux = String(option)
            case "rprivate", "private", "rshared", "shared", "rslave", "slave": propagation = String(option)
            // For other systems; there is nothing to keep consistent here.
            case "consistent", "cached", "delegated": break
            default: unknownOptions.append(String(option))
            }
        }
    }

    /// Every option.
    static let options = [
        "ro", "rw", "nocopy", "z", "Z", "rprivate", "private", "rshared", "shared", "rslave", "slave", "consistent", "cached",
        "delegated",
    ]
}
