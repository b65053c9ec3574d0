@testable import SystemCalls

/// Runs filters as the kernel does: the instructions of classic BPF that libseccomp uses.
struct FilterMachine {
    private struct Instruction {
        let code: UInt16, whenTrue: UInt8, whenFalse: UInt8, value: UInt32
    }

    private let instructions: [Instruction]

    init(_ program: FilterProgram) {
        let bytes = program.instructions
        var instructions: [Instruction] = []
        for at in stride(from: 0, to: bytes.count, by: 8) {
            var value: UInt32 = 0
            for index in (4..<8).reversed() { value = value << 8 | UInt32(bytes[at + index]) }
            let code = UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8
            instructions.append(Instruction(code: code, whenTrue: bytes[at + 2], whenFalse: bytes[at + 3], value: value))
        }
        self.instructions = instructions
    }

    var length: Int { instructions.count }

    /// What the kernel does with a call; nil where the program makes no sense.
    func verdict(_ number: UInt32, architecture: UInt32, _ arguments: UInt64...) -> UInt32? {
        run(number, architecture, arguments).verdict
    }

    /// How many instructions that takes.
    func steps(_ number: UInt32, architecture: UInt32) -> Int { run(number, architecture, []).steps }

    private func run(_ number: UInt32, _ architecture: UInt32, _ arguments: [UInt64]) -> (verdict: UInt32?, steps: Int) {
        var data = [number, architecture, 0, 0]
        for index in 0..<6 {
            let argument = index < arguments.count ? arguments[index] : 0
            data += [UInt32(truncatingIfNeeded: argument), UInt32(argument >> 32)]
        }
        var accumulator: UInt32 = 0
        var at = 0, steps = 0
        while instructions.indices.contains(at) {
            let instruction = instructions[at]
            at += 1
            steps += 1
            func jump(_ condition: Bool) { at += Int(condition ? instruction.whenTrue : instruction.whenFalse) }
            switch instruction.code {
            case 0x20: accumulator = data[Int(instruction.value / 4)]
            case 0x54: accumulator &= instruction.value
            case 0x05: at += Int(instruction.value)
            case 0x15: jump(accumulator == instruction.value)
            case 0x25: jump(accumulator > instruction.value)
            case 0x35: jump(accumulator >= instruction.value)
            case 0x45: jump(accumulator & instruction.value != 0)
            case 0x06: return (instruction.value, steps)
            default: return (nil, steps)
            }
        }
        return (nil, steps)
    }
}

/// Numbers of the two ways to make system calls on a 64-bit machine.
enum Call {
    #if arch(x86_64)
    static let wide: UInt32 = 0xC000_003E, narrow: UInt32 = 0x4000_0003
    static let read: UInt32 = 0, ioctl: UInt32 = 16, clone: UInt32 = 56, socket: UInt32 = 41, mount: UInt32 = 165, keyctl: UInt32 = 250
    static let unshare: UInt32 = 272, openByHandle: UInt32 = 304, getcwd: UInt32 = 79, personality: UInt32 = 135
    static let narrowKeyctl: UInt32 = 288, narrowExitGroup: UInt32 = 252, narrowIoctl: UInt32 = 54, narrowMount: UInt32 = 21
    #elseif arch(arm64)
    static let wide: UInt32 = 0xC000_00B7, narrow: UInt32 = 0x4000_0028
    static let read: UInt32 = 63, ioctl: UInt32 = 29, clone: UInt32 = 220, socket: UInt32 = 198, mount: UInt32 = 40, keyctl: UInt32 = 219
    static let unshare: UInt32 = 97, openByHandle: UInt32 = 265, getcwd: UInt32 = 17, personality: UInt32 = 92
    static let narrowKeyctl: UInt32 = 311, narrowExitGroup: UInt32 = 248, narrowIoctl: UInt32 = 54, narrowMount: UInt32 = 21
    #endif
    static let clone3: UInt32 = 435, fchmodat2: UInt32 = 452, mseal: UInt32 = 462
}

let allowed = FilterAction.allow.code
let refused = FilterAction.fail(1).code
let unknown = FilterAction.fail(38).code
