/// Why a source gives no value. The texts are for the person; they never hold a value, a token or what a server answered.
public struct SourceError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What was tried, on what, and why it failed, in lower case.
    public let reason: String
    /// What to do about it, where that is more than the reason says.
    public let remedy: String?
    /// Whether trying again later may help: a server that is down, a time-out. A wrong option or a refused token stays as it is.
    public let isTransient: Bool

    /// Whether the Compose file asks for something that there isn't, such as an unknown driver: no older value makes up for that.
    public let isMistake: Bool

    public init(_ reason: String, remedy: String? = nil, isTransient: Bool = false) {
        self.init(reason, remedy, isTransient: isTransient, isMistake: false)
    }

    /// What the Compose file says can't be right.
    public init(mistake reason: String, remedy: String? = nil) {
        self.init(reason, remedy, isTransient: false, isMistake: true)
    }

    private init(_ reason: String, _ remedy: String?, isTransient: Bool, isMistake: Bool) {
        self.reason = reason
        self.remedy = remedy
        self.isTransient = isTransient
        self.isMistake = isMistake
    }

    /// The same with texts that are short enough for an answer: some of what they quote comes from files and servers.
    var clipped: SourceError {
        SourceError(Self.clip(reason), remedy.map(Self.clip), isTransient: isTransient, isMistake: isMistake)
    }

    /// At most some KiB of a text, which are six times as many where JSON writes each byte as a number.
    private static func clip(_ text: String) -> String {
        let limit = 4 << 10
        return text.utf8.count <= limit ? text : String(decoding: text.utf8.prefix(limit), as: UTF8.self) + "…"
    }

    public var description: String { remedy.map { "\(reason); \($0)" } ?? reason }
}

extension SourceError: Codable {
    private enum CodingKeys: String, CodingKey {
        case reason, remedy
        case isTransient = "transient"
        case isMistake = "mistake"
    }
}
