/// The number of a device, as control groups have it: `MAJOR:MINOR`.
struct DeviceNumber: CustomStringConvertible {
    let description: String

    /// - Parameter number: `st_rdev` of stat(2), taken apart as the C library does (makedev(3)).
    init(_ number: UInt) {
        let major = number >> 8 & 0xfff | number >> 32 & ~0xfff, minor = number & 0xff | number >> 12 & ~0xff
        description = "\(major):\(minor)"
    }
}
