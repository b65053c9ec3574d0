/// Changes that belong together: an editor that saves all, a version control system that changes branches.
///
/// They are together once nothing has come for a while, or when they have been waiting for long.
struct ChangeBatch {
    /// In milliseconds.
    static let quietTime: Int64 = 200
    static let longestWait: Int64 = 2000

    private(set) var paths: Set<[UInt8]> = []
    private var first: Int64 = 0
    private var last: Int64 = 0

    /// - Parameter time: by `MonotonicClock`.
    mutating func add(_ paths: Set<[UInt8]>, at time: Int64) {
        guard !paths.isEmpty else { return }
        if self.paths.isEmpty { first = time }
        last = time
        self.paths.formUnion(paths)
    }

    /// In how many milliseconds it is due; nil where there is none.
    func patience(at time: Int64) -> Int64? {
        paths.isEmpty ? nil : max(0, min(last + Self.quietTime, first + Self.longestWait) - time)
    }

    /// - Returns: the changes, if they are due.
    mutating func take(at time: Int64) -> Set<[UInt8]>? {
        guard patience(at: time) == 0 else { return nil }
        defer { paths = [] }
        return paths
    }
}
