import CLinux
import Glibc

/// Descriptors that came over a socket (SCM_RIGHTS), closed when nobody holds this any more.
final class PassedDescriptors {
    private(set) var numbers: [Int32] = []

    deinit {
        for number in numbers { close(number) }
    }

    /// Receives what is there of bytes, with the descriptors that come with them (recv(2)); never waits.
    ///
    /// - Returns: as recv(2), and whether there were more descriptors than there may be: those that came are closed then.
    func receive(_ bytes: UnsafeMutableRawBufferPointer, from socket: Int32) -> (count: Int, overflow: Bool) {
        let most = ControlLimits.descriptors
        var taken: Int32 = 0
        var arrived = [Int32](repeating: -1, count: most)
        let count = clinux_receive(socket, bytes.baseAddress, bytes.count, &arrived, Int32(most - numbers.count), &taken)
        if count < 0 { return (count, false) }
        numbers += arrived.prefix(Int(max(taken, 0)))
        return (count, taken < 0)
    }
}

/// Who has called for a one-off instance, with what it is to be started with.
final class InstanceCaller {
    /// What its command has in the place of the usual streams.
    enum Streams {
        case own(input: Int32, output: Int32, errors: Int32)
        case terminal(WindowSize)
    }

    let streams: Streams
    /// A socket: closed where the caller is gone; what pid 1 tells of the end goes there.
    let socket: Int32
    private let descriptors: PassedDescriptors

    /// - Returns: nil where there are not as many descriptors as there have to be.
    init?(_ caller: Deployment.Caller, _ descriptors: PassedDescriptors) {
        let numbers = descriptors.numbers
        guard numbers.count == caller.descriptorCount, let socket = numbers.last else { return nil }
        self.descriptors = descriptors
        self.socket = socket
        streams = caller.terminal.map(Streams.terminal) ?? .own(input: numbers[0], output: numbers[1], errors: numbers[2])
    }
}
