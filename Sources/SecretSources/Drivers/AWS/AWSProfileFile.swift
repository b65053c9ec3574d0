import SecretMemory
import SourceProtocol

/// One of the two files that the AWS command line keeps profiles in (AWS SDKs and Tools Reference Guide, "Shared config and
/// credentials files").
struct AWSProfileFile: ~Copyable, Sendable {
    enum Kind {
        /// A section is a profile.
        case credentials
        /// A profile's section is `profile NAME`, but for `default`; there are others.
        case config
    }

    let path: String
    private let kind: Kind
    /// Empty where there is no file.
    private let bytes: SecretBytes

    init(_ kind: Kind, path: String, of request: SourceRequest) throws(SourceError) {
        self.kind = kind
        self.path = request.path(path)
        if let bytes = try CredentialFile.readIfThere(path, "AWS's \(kind) file", of: request) {
            self.bytes = bytes
        } else {
            bytes = try .zeroed(0)
        }
    }

    borrowing func has(_ profile: String) -> Bool {
        var isThere = false
        walk(profile) { _, _, _ in false } atSection: { isThere = true }
        return isThere
    }

    /// A setting that is not secret.
    borrowing func text(_ setting: String, of profile: String) -> String? {
        place(of: setting, in: profile).map { place in
            bytes.withUnsafeBytes { String(decoding: $0[place], as: UTF8.self) }
        }
    }

    /// A setting that is.
    borrowing func secret(_ setting: String, of profile: String) throws(SourceError) -> SecretBytes? {
        guard let place = place(of: setting, in: profile) else { return nil }
        return try bytes.slice(place)
    }

    private borrowing func place(of setting: String, in profile: String) -> Range<Int>? {
        var found: Range<Int>?
        walk(profile) { bytes, name, value in
            guard bytes[name].lazy.map({ $0 | 0x20 }).elementsEqual(setting.utf8.lazy.map { $0 | 0x20 }), !value.isEmpty else { return false }
            found = value
            return true
        } atSection: {}
        return found
    }

    /// Goes through the settings of a profile until one is taken. Nothing but the sections' names becomes a text.
    private borrowing func walk(
        _ profile: String, setting: (UnsafeRawBufferPointer, Range<Int>, Range<Int>) -> Bool, atSection: () -> Void
    ) {
        bytes.withUnsafeBytes { bytes in
            var isInside = false
            var end = 0
            while end < bytes.count {
                let start = end
                let lineEnd = bytes[start...].firstIndex(of: 0x0a) ?? bytes.count
                end = lineEnd + 1
                let line = trimmed(start..<lineEnd, of: bytes)
                guard let first = line.first.map({ bytes[$0] }), first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else { continue }
                if first == UInt8(ascii: "[") {
                    isInside = isSection(line, of: bytes, for: profile)
                    if isInside { atSection() }
                    continue
                }
                // An indented line belongs to a setting that is a group of its own.
                guard isInside, line.lowerBound == start, let equals = bytes[line].firstIndex(of: UInt8(ascii: "=")) else { continue }
                let name = trimmed(line.lowerBound..<equals, of: bytes)
                if setting(bytes, name, withoutComment(trimmed((equals + 1)..<line.upperBound, of: bytes), of: bytes)) { return }
            }
        }
    }

    private func isSection(_ line: Range<Int>, of bytes: UnsafeRawBufferPointer, for profile: String) -> Bool {
        guard let close = bytes[line].firstIndex(of: UInt8(ascii: "]")) else { return false }
        let words = String(decoding: bytes[(line.lowerBound + 1)..<close], as: UTF8.self).split { $0 == " " || $0 == "\t" }
        let name = words.joined(separator: " ")
        if kind == .credentials || profile == "default" && name == "default" { return name == profile }
        guard words.first == "profile" else { return false }
        let rest = words.dropFirst().joined(separator: " ")
        let isQuoted = rest.count >= 2 && (rest.first == "\"" || rest.first == "'") && rest.first == rest.last
        return (isQuoted ? String(rest.dropFirst().dropLast()) : rest) == profile
    }

    private func trimmed(_ range: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Range<Int> {
        guard let first = bytes[range].firstIndex(where: { $0 > 0x20 }), let last = bytes[range].lastIndex(where: { $0 > 0x20 }) else {
            return range.lowerBound..<range.lowerBound
        }
        return first..<(last + 1)
    }

    /// A comment behind a value starts with white space.
    private func withoutComment(_ value: Range<Int>, of bytes: UnsafeRawBufferPointer) -> Range<Int> {
        for index in value.dropFirst() where bytes[index] == UInt8(ascii: "#") || bytes[index] == UInt8(ascii: ";") {
            if bytes[index - 1] <= 0x20 { return trimmed(value.lowerBound..<index, of: bytes) }
        }
        return value
    }
}
