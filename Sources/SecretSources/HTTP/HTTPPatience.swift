/// How long somebody waits for a secret manager.
public struct HTTPPatience: Sendable {
    /// For a connection, TLS included.
    public var connection: Duration = .seconds(5)
    /// For one try as a whole.
    public var attempt: Duration = .seconds(10)
    /// For all tries, and the pauses between them.
    public var total: Duration = .seconds(20)
    public var attempts = 4
    /// Before the second try; then twice as long each time, and by chance up to a half less, so that
    /// many machines that failed at once don't come back at once.
    public var firstPause: Duration = .milliseconds(250)

    public init() {}

    /// For services that answer from nearby, or aren't there at all.
    public static let metadata: HTTPPatience = {
        var patience = HTTPPatience()
        patience.connection = .seconds(1)
        patience.attempt = .seconds(2)
        patience.total = .seconds(4)
        patience.attempts = 2
        return patience
    }()

    func pause(after attempt: Int) -> Duration {
        firstPause * (1 << min(attempt - 1, 10)) * Double.random(in: 0.5...1)
    }
}
