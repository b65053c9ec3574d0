import Linux

/// One entry of `devices`.
public struct DeviceMapping: Sendable, Equatable {
    /// A device of the host, or a folder of devices.
    public var source: String
    /// Absolute, without detours.
    public var target: String
    /// Of `r`, `w` and `m`.
    public var permissions: String

    public init(source: String, target: String, permissions: String) {
        self.source = source
        self.target = target
        self.permissions = permissions
    }

    /// Whether a path is of what every service has from stackup, so that a device there would take its place.
    public static func isReserved(_ target: String) -> Bool {
        reservedFiles.contains(target) || reservedFolders.contains { target == $0 || Paths.rest(of: target, below: $0) != nil }
    }

    private static let reservedFiles: Set<String> = [
        "/run", "/tmp", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom",
        "/dev/tty", "/dev/ptmx", "/dev/console", "/dev/stdin", "/dev/stdout", "/dev/stderr",
    ]

    private static let reservedFolders = ["/proc", "/sys", "/run/secrets", "/dev/pts", "/dev/shm", "/dev/mqueue", "/dev/fd"]
}

/// One entry of `device_cgroup_rules`: devices by their numbers that a service may use as well.
public struct DeviceRule: Sendable, Equatable {
    /// `a`, `b` or `c`: all devices, block devices or character devices.
    public var kind: Character
    /// nil: all.
    public var major: UInt32?
    /// nil: all.
    public var minor: UInt32?
    /// Of `r`, `w` and `m`.
    public var permissions: String

    /// - Parameter text: `c 1:3 mr`, `a *:* rwm`.
    /// - Returns: nil for what Docker does not take.
    public init?(_ text: String) {
        let words = text.split(separator: " ", omittingEmptySubsequences: false)
        guard words.count == 3, ["a", "b", "c"].contains(words[0]), (1...3).contains(words[2].utf8.count),
            words[2].utf8.allSatisfy("rwm".utf8.contains)
        else { return nil }
        let numbers = words[1].split(separator: ":", omittingEmptySubsequences: false)
        guard numbers.count == 2, let major = Self.number(numbers[0]), let minor = Self.number(numbers[1]) else { return nil }
        kind = Character(String(words[0]))
        (self.major, self.minor, permissions) = (major, minor, String(words[2]))
    }

    /// - Returns: nil for no number; the number, or nil for all of them.
    private static func number(_ text: Substring) -> UInt32?? {
        if text == "*" { return .some(nil) }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = UInt32(text) else { return nil }
        return .some(number)
    }
}

/// One entry of `gpus`, or of `deploy.resources.reservations.devices`.
public struct DeviceRequest: Sendable, Equatable {
    /// `gpus`, or `deploy.resources.reservations.devices`.
    public var attribute: String
    /// nil: whichever the host has.
    public var driver: String?
    /// nil: all of them.
    public var count: Int64?
    /// Numbers, or the names that the driver has for them; empty: any.
    public var ids: [String]
    public var capabilities: [String]

    public init(attribute: String = "gpus", driver: String? = nil, count: Int64? = nil, ids: [String] = [], capabilities: [String] = []) {
        self.attribute = attribute
        self.driver = driver
        self.count = count
        self.ids = ids
        self.capabilities = capabilities
    }
}
