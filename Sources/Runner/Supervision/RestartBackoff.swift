/// How long an instance waits before its restart policy starts it again, by Docker's rule: 100 ms, then twice
/// as long each time up to a minute, and from the beginning once it has run for ten seconds.
struct RestartBackoff: Equatable {
    static let first: Int64 = 100
    static let longest: Int64 = 60_000
    static let settled: Int64 = 10_000

    private var last: Int64 = 0

    /// - Parameter ran: how long the instance ran, in milliseconds.
    /// - Returns: milliseconds to wait.
    mutating func next(afterRunning ran: Int64) -> Int64 {
        last = ran >= Self.settled || last == 0 ? Self.first : min(last * 2, Self.longest)
        return last
    }
}
