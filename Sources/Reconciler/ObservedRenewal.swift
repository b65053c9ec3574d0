/// A secret of a stack that comes by new values by itself, as its supervisor keeps the time for it.
public struct ObservedRenewal: Sendable, Equatable, Codable {
    /// Its name in the store.
    public var secret: String
    /// When it is due, in seconds since the epoch.
    public var due: Int64
    /// Why the last tries came to nothing; nil where the last one didn't.
    public var failure: Failure?

    public struct Failure: Sendable, Equatable, Codable {
        /// Seconds since the epoch of the last try.
        public var at: Int64
        /// How many there were.
        public var count: Int
        /// Never a value.
        public var reason: String

        public init(at: Int64, count: Int, reason: String) {
            self.at = at
            self.count = count
            self.reason = reason
        }
    }

    public init(secret: String, due: Int64, failure: Failure? = nil) {
        self.secret = secret
        self.due = due
        self.failure = failure
    }
}
