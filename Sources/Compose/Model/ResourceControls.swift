/// What bounds the resources of each instance of a service; nil where nothing is asked for. Values are as written: sizes in bytes, times
/// in microseconds.
public struct ResourceControls: Sendable, Equatable {
    /// How fast one block device, by its path, may be read or written.
    public struct BlockDevice: Sendable, Equatable {
        public enum Kind: String, Sendable {
            case weight = "weight_device"
            case readBytes = "device_read_bps"
            case readOperations = "device_read_iops"
            case writeBytes = "device_write_bps"
            case writeOperations = "device_write_iops"
        }

        public var kind: Kind
        public var path: String
        public var value: Int64

        public init(_ kind: Kind, path: String, value: Int64) {
            self.kind = kind
            self.path = path
            self.value = value
        }
    }

    public var memoryLimit: Int64?
    /// Together with memory; -1 is unlimited. nil, with a limit of memory: as much swap as memory.
    public var memoryAndSwapLimit: Int64?
    public var memoryReservation: Int64?
    /// 0 to 100.
    public var swappiness: Int64?
    public var disablesOutOfMemoryKiller = false
    /// How many CPUs' time an instance may take.
    public var cpus: Double?
    public var cpuPeriod: Int64?
    public var cpuQuota: Int64?
    public var cpuShares: Int64?
    public var realtimePeriod: Int64?
    public var realtimeRuntime: Int64?
    /// `0-2,4`
    public var cpuset: String?
    public var pidsLimit: Int64?
    /// 10 to 1000.
    public var blockWeight: Int64?
    public var blockDevices: [BlockDevice] = []
    /// As `cgroup_parent` has it.
    public var parent: String?

    public init() {}

    /// Whether nothing is asked for.
    public var isEmpty: Bool { self == ResourceControls() }
}

/// One entry of `sysctls`.
public struct KernelSetting: Sendable, Equatable {
    /// `kernel.msgmax`
    public var name: String
    public var value: String

    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}
