/// What a look at every file of a store found.
public struct StoreReport: Sendable, Equatable {
    /// Something that is not as the store wrote it.
    public struct Damage: Sendable, Equatable {
        public let file: String
        /// What is wrong with it, and what depends on it.
        public let problem: String
    }

    public internal(set) var damages: [Damage] = []
    /// Files that a command left which was cut short; the next commit removes them.
    public internal(set) var leftovers: [String] = []
    /// How many objects were opened.
    public internal(set) var objects = 0
    /// How many entries of the audit log were followed.
    public internal(set) var logEntries: UInt64 = 0

    mutating func add(_ file: String, _ problem: String) {
        damages.append(Damage(file: file, problem: problem))
    }

    /// Takes an error that is about a file for damage of it.
    ///
    /// - Throws: any other error.
    mutating func add(_ error: StoreError) throws(StoreError) {
        switch error {
        case .damaged(let file, .broken): add(file, "changed, cut short, or another file's content")
        case .damaged(let file, .missing): add(file, "missing")
        case .damaged(let file, .malformed): add(file, "not in a form that can be understood")
        case .exposed(let path, let problem, let remedy): add(path, "\(problem); \(remedy)")
        case .malformedKey(let keyFile, let problem): add(keyFile, "not a key: \(problem)")
        case .changedHeader(let file):
            add(file, "not the header that the store wrote last: its key slots were changed, or an older one was put back")
        case .rolledBack(let directory, let head): add(directory, "an older state of the store: \(head) knows a newer one")
        default: throw error
        }
    }
}
