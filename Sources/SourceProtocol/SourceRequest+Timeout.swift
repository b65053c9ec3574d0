import Words

extension SourceRequest {
    /// The driver option that says how long fetching may take.
    public static let timeoutOption = "timeout"
    private static let usualTimeout = Duration.seconds(30)

    /// How long fetching may take.
    ///
    /// - Throws: `SourceError` where that is no time.
    public func timeout() throws(SourceError) -> Duration {
        guard let text = options[Self.timeoutOption], !text.isEmpty else { return Self.usualTimeout }
        guard let nanoseconds = DurationText.nanoseconds(text), (1_000_000...3600 * 1_000_000_000).contains(nanoseconds) else {
            throw SourceError(mistake: "the driver option 'timeout' can't be '\(text)'", remedy: "write for example 10s, 1m30s or 500ms; an hour at most")
        }
        return .nanoseconds(nanoseconds)
    }
}
