// The standard library has these with regular expressions, all of which a program then carries: each look for a type's conformance
// goes through theirs, too.
extension StringProtocol {
    /// Whether a text comes in this one, byte for byte; an empty one does.
    public func contains(part: String) -> Bool { part.isEmpty || !places(of: Array(part.utf8), in: Array(utf8)).isEmpty }

    /// With another text wherever a part comes, byte for byte, from the start on.
    public func replacing(part: String, with other: String) -> String {
        let (bytes, part) = (Array(utf8), Array(part.utf8))
        var result: [UInt8] = []
        var start = 0
        for place in places(of: part, in: bytes) {
            result += bytes[start..<place]
            result += Array(other.utf8)
            start = place + part.count
        }
        return String(decoding: result + bytes[start...], as: UTF8.self)
    }

    /// Where it comes, from the start on, without overlaps; nowhere if it is empty.
    private func places(of part: [UInt8], in bytes: [UInt8]) -> [Int] {
        var places: [Int] = []
        var next = 0
        while !part.isEmpty, next + part.count <= bytes.count {
            if bytes[next...].starts(with: part) {
                places.append(next)
                next += part.count
            } else {
                next += 1
            }
        }
        return places
    }
}
