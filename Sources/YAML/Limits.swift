/// What a YAML text may ask for, so that a hostile one costs little time, memory and stack.
public struct Limits: Sendable {
    /// The size of the text in bytes.
    public var textBytes = 64 << 20
    /// How deep sequences and mappings may nest.
    public var depth = 100
    /// How many nodes aliases and merge keys may add, all together.
    public var aliasedNodes = 100_000

    public init() {}
}
