/// What bounds the resources of each instance, in the kernel's terms (cgroups(7)); nil where it is left as it is.
public struct ResourceControls: Codable, Sendable, Equatable {
    /// What one block device, `MAJOR:MINOR`, gives.
    public struct BlockDevice: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable {
            case weight, readBytes, writeBytes, readOperations, writeOperations
        }

        public var kind: Kind
        public var device: String
        public var value: Int64

        public init(_ kind: Kind, device: String, value: Int64) {
            self.kind = kind
            self.device = device
            self.value = value
        }
    }

    /// Bytes.
    public var memoryLimit: Int64?
    /// Bytes of swap, beside memory; -1 is unlimited.
    public var swapLimit: Int64?
    public var memoryReservation: Int64?
    /// Of v1 only, as are the next one and the two of real time.
    public var swappiness: Int64?
    public var disablesOutOfMemoryKiller: Bool?
    /// Microseconds of CPU time in each period.
    public var cpuQuota: Int64?
    public var cpuPeriod: Int64?
    /// By v1's measure: 2 to 262144, 1024 being usual.
    public var cpuShares: Int64?
    public var realtimePeriod: Int64?
    public var realtimeRuntime: Int64?
    /// `0-2,4`
    public var cpuset: String?
    /// Processes and threads of the service; pid 1 of the instance comes on top.
    public var pidsLimit: Int64?
    /// 10 to 1000.
    public var blockWeight: Int64?
    public var blockDevices: [BlockDevice]?
    /// What may not be done with devices, as v1 writes it: `c 1:5 w`. v2 has a program for it.
    public var deniedDevices: [String]?
    /// The only devices that may be used, and what may be done with them, as v1 writes it: `c 1:5 rw`, `b *:* m`; nil: all that have a node.
    /// With it, nodes in mounts of the host's /dev count.
    public var allowedDevices: [String]?
    /// The group that the stack's are made in, from the hierarchy's root on; nil: one that stackup may use.
    public var parent: String?

    public init() {}
}

/// How many rules for devices a group of v2 takes: there, they are a program.
public enum DeviceRuleLimit {
    public static let count = DeviceProgram.mostRules
}

/// A setting of a namespace that an instance has to itself (sysctl(8)).
public struct NamespaceSetting: Codable, Sendable, Equatable {
    /// `kernel.msgmax`
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
