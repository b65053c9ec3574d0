import SourceProtocol

extension HTTPResponse {
    /// What an answer's status says, for statuses of which a driver knows nothing better to say.
    public func failure(of address: HTTPAddress) -> SourceError {
        switch status {
        case 401, 403:
            SourceError("\(address.origin): refuses the request (status \(status))", remedy: clockRemedy ?? "check the credentials and what they may do")
        case 404:
            SourceError("\(address.origin): has nothing of that name (status 404)", remedy: "check the address and the names")
        case 429:
            SourceError("\(address.origin): gets too many requests (status 429)", remedy: "try again later", isTransient: true)
        case 408, 500...:
            SourceError("\(address.origin): can't answer at the moment (status \(status))", remedy: "try again later", isTransient: true)
        default:
            SourceError("\(address.origin): answers with status \(status), which is not what was expected", remedy: "check the address")
        }
    }

    /// Says that this machine's clock is wrong, where it is by so much that signatures and tokens are refused.
    public var clockRemedy: String? {
        guard let lead = clockLead, abs(lead) > 120 else { return nil }
        return "set this machine's clock, which is \(abs(lead) / 60) minutes \(lead > 0 ? "ahead of" : "behind") the server's"
    }
}
