import Glibc

/// Instructions in front of libseccomp's, for what it can't say: jumps lead forward only, so what follows is as it was.
///
/// Source: the kernel's documentation of seccomp filters, and linux/bpf_common.h.
struct FilterPrologue {
    typealias Instruction = CompactFilter.Instruction
    private typealias Code = CompactFilter.Code
    private typealias Offset = CompactFilter.Offset

    private(set) var instructions: [Instruction] = []

    private static let privateToARM: UInt32 = 0xF0000
    /// Of the third way in to an x86_64 kernel, x32.
    private static let x32: UInt32 = 0x4000_0000
    private static let typing: [UInt32] = [0x5412, 0x541C]
    /// Networks of other times (`AF_DECnet`, `AF_ECONET`, `AF_ATMSVC`, `AF_IRDA`, 25, `AF_ISDN`, `AF_CAIF`), whose code in the kernel few have looked at
    /// of late; the kernel's ciphers (`AF_ALG`) and the way to a virtual machine's host (`AF_VSOCK`). As in Docker's profile.
    private static let families: [UInt32] = [12, 19, 20, 23, 25, 34, 37, 38, 40]

    private mutating func put(_ code: UInt16, _ whenTrue: UInt8, _ whenFalse: UInt8, _ value: UInt32) {
        instructions.append(Instruction(code: code, whenTrue: whenTrue, whenFalse: whenFalse, value: value))
    }

    /// What holds for the calls that come by one way in to the kernel, each of which has numbers of its own. Within, the number is what is loaded.
    mutating func concern(_ architecture: UInt32, _ body: (inout FilterPrologue) -> Void) {
        var block = FilterPrologue()
        block.put(Code.load, 0, 0, Offset.number)
        body(&block)
        guard block.instructions.count > 1 else { return }
        put(Code.load, 0, 0, Offset.architecture)
        put(Code.isEqual, 0, UInt8(block.instructions.count), architecture)
        instructions += block.instructions
    }

    /// Tells that there is no call with a number above the last one that the profile's author knew.
    mutating func refuseUnknown(after last: UInt32) {
        put(Code.isAtLeast, 2, 0, Self.x32)
        put(Code.isAtLeast, 2, 0, Self.privateToARM)
        put(Code.isGreater, 0, 1, last)
        put(Code.give, 0, 0, FilterAction.fail(UInt16(ENOSYS)).code)
    }

    /// Decides on a call that has one number on every architecture.
    mutating func decide(_ number: UInt32, _ action: FilterAction) {
        put(Code.load, 0, 0, Offset.number)
        put(Code.isEqual, 0, 1, number)
        put(Code.give, 0, 0, action.code)
    }

    /// Refuses what libseccomp would compare as 64 bits, of which the kernel takes the lower half: characters put into a terminal (`TIOCSTI`,
    /// `TIOCLINUX`), and sockets of some families.
    mutating func refuseByLowerHalves(on architecture: UInt32) {
        if let number = Machine.ioctl[architecture] { refuse(number, where: Offset.secondArgument, is: Self.typing) }
        if let number = Machine.socket[architecture] { refuse(number, where: Offset.firstArgument, is: Self.families) }
    }

    private mutating func refuse(_ number: UInt32, where argument: UInt32, is values: [UInt32]) {
        put(Code.isEqual, 0, UInt8(3 + values.count), number)
        put(Code.load, 0, 0, argument)
        for (index, value) in values.enumerated() {
            // To the refusal behind the last of them, or past it.
            let isLast = index == values.count - 1
            put(Code.isEqual, UInt8(values.count - 1 - index), isLast ? 1 : 0, value)
        }
        put(Code.give, 0, 0, FilterAction.fail(UInt16(EPERM)).code)
        put(Code.load, 0, 0, Offset.number)
    }
}
