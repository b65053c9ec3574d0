/// Which system calls are made, and which are refused: what Docker calls a seccomp profile.
public struct FilterProfile: Sendable, Equatable {
    /// What a call's argument has to be.
    public struct Condition: Sendable, Equatable {
        public enum Comparison: String, Sendable {
            case notEqual = "SCMP_CMP_NE"
            case less = "SCMP_CMP_LT"
            case lessOrEqual = "SCMP_CMP_LE"
            case equal = "SCMP_CMP_EQ"
            case greaterOrEqual = "SCMP_CMP_GE"
            case greater = "SCMP_CMP_GT"
            /// ``Condition/value`` is the mask, and ``Condition/second`` what is left under it.
            case maskedEqual = "SCMP_CMP_MASKED_EQ"
        }

        /// Counted from 0.
        public var argument: UInt32
        public var comparison: Comparison
        public var value: UInt64
        public var second: UInt64

        public init(argument: UInt32, _ comparison: Comparison, _ value: UInt64, _ second: UInt64 = 0) {
            self.argument = argument
            self.comparison = comparison
            self.value = value
            self.second = second
        }
    }

    /// Where a rule counts.
    public struct Surroundings: Sendable, Equatable {
        /// Bits by number, as in capabilities(7).
        public var capabilities: UInt64 = 0
        /// As Docker names machines: `amd64`.
        public var machines: [String] = []
        /// The oldest kernel: its major and minor number.
        public var kernel: [Int]?

        public init() {}
    }

    public struct Rule: Sendable, Equatable {
        public var names: [String]
        public var action: FilterAction
        /// All have to hold; those of one argument are alternatives.
        public var conditions: [Condition]
        /// All of it has to be so.
        public var needs = Surroundings()
        /// None of it may be so.
        public var excludes = Surroundings()

        public init(_ names: [String], _ action: FilterAction, when conditions: [Condition] = []) {
            self.names = names
            self.action = action
            self.conditions = conditions
        }
    }

    /// Of what no rule names.
    public var defaultAction: FilterAction
    /// Of a machine's ways to make system calls, in libseccomp's words (`x86_64`, `x86`); the machine's own is always one.
    public var architectures: [String]
    public var rules: [Rule]
    /// Flags of seccomp(2).
    public var flags: UInt32
    /// Whether typing into a terminal that others read from is refused: TIOCSTI and TIOCLINUX of ioctl(2).
    var refusesByLowerHalves = false

    /// Flags of seccomp(2) that a profile may have.
    public enum Flag {
        public static let log: UInt32 = 2
        /// Without it, kernels before 5.16 would slow the service down against an attack that needs one's own code.
        public static let allowsSpeculation: UInt32 = 4
    }

    public init(
        defaultAction: FilterAction, architectures: [String] = [], rules: [Rule], flags: UInt32 = Flag.allowsSpeculation
    ) {
        self.defaultAction = defaultAction
        self.architectures = architectures
        self.rules = rules
        self.flags = flags
    }
}

/// A profile makes no sense, or cannot become a program.
public struct FilterError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    /// - Parameter description: what is wrong, and what to do.
    public init(_ description: String) { self.description = description }
}
