import CLinux
import Glibc
import Linux

/// The processes of one instance as the event loop sees them: how they end, what they print, whether they started.
final class RunningInstance {
    private let launched: LaunchedInstance
    private let loop: EventLoop
    let log: LogWriter
    private var endToken: EventLoop.Token?
    /// Those that have not ended.
    private var openStreams: Set<LogStream> = [.stdout, .stderr]
    /// Of those that are read: none while the output has to wait.
    private var outputTokens: [LogStream: EventLoop.Token] = [:]
    private var reportToken: EventLoop.Token?
    /// While the output has to wait until whoever takes it takes more.
    private var congestionToken: EventLoop.Token?
    private var report: [UInt8] = []
    private let onStart: (_ failure: String?) -> Void
    private let onEnd: () -> Void

    var pid: Int32 { launched.pid }
    /// A pidfd of pid 1.
    var process: Int32 { launched.pidfd.number }

    /// Watches what was launched or adopted.
    ///
    /// - Parameters:
    ///   - onStart: called once, when the command runs or could not be run.
    ///   - onEnd: called once, when all processes are gone and all they printed is in the log.
    init(
        _ launched: consuming LaunchedInstance, loop: EventLoop, log: LogWriter, onStart: @escaping (_ failure: String?) -> Void,
        onEnd: @escaping () -> Void
    ) throws(SystemCallError) {
        self.launched = launched
        self.loop = loop
        self.log = log
        self.onStart = onStart
        self.onEnd = onEnd
        for number in [self.launched.standardOutput.number, self.launched.standardError.number] { Self.neverBlock(number) }
        endToken = try loop.add(self.launched.pidfd.number, .readable) { [unowned self] _ in end() }
        for stream in openStreams { try listen(to: stream) }
        log.onClose { [unowned self] in forgetCongestion() }
        if let number = Self.number(self.launched.startReport) {
            Self.neverBlock(number)
            reportToken = try loop.add(number, .readable) { [unowned self] _ in receiveReport() }
        }
    }

    deinit { unwatch() }

    /// Whether its pid 1 has told how the set-up ended; one that was adopted has done so before.
    var isSetUp: Bool { reportToken == nil }

    func signal(_ number: Int32) {
        _ = clinux_signal_process(launched.pidfd.number, number)
    }

    /// Starts a further command in it.
    func run(
        _ command: InstanceCommand, in group: CgroupEntrance?, by launcher: InstanceLauncher,
        onEnd: @escaping (_ code: Int32?, _ output: String) -> Void
    ) throws(LaunchError) -> InstanceCommandProcess {
        try launcher.run(command, inInstance: launched.pidfd, group: group, loop: loop, onEnd: onEnd)
    }

    private func unwatch() {
        log.onClose {}
        for token in [endToken, reportToken, congestionToken].compactMap({ $0 }) + outputTokens.values { loop.remove(token) }
        endToken = nil
        reportToken = nil
        congestionToken = nil
        outputTokens = [:]
    }

    private static func neverBlock(_ number: Int32) {
        _ = fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK)
    }

    private static func number(_ descriptor: borrowing FileDescriptor?) -> Int32? {
        switch descriptor {
        case .some(let open): open.number
        case .none: nil
        }
    }

    private func descriptor(of stream: LogStream) -> Int32 {
        stream == .stdout ? launched.standardOutput.number : launched.standardError.number
    }

    private func listen(to stream: LogStream) throws(SystemCallError) {
        outputTokens[stream] = try loop.add(descriptor(of: stream), .readable) { [unowned self] _ in
            receive(stream)
            holdUpOrGoOn()
        }
    }

    /// Reads once: other instances want their turn.
    ///
    /// - Returns: how much; 0 where there is nothing, or nothing more to come.
    @discardableResult
    private func receive(_ stream: LogStream) -> Int {
        let count = OutputBuffer.shared.read(descriptor(of: stream), limit: log.readLimit) { bytes, scratch in
            log.receive(bytes, from: stream, scratch: &scratch)
        }
        if count > 0 { return count }
        if count < 0 && (errno == EAGAIN || errno == EINTR) { return 0 }
        openStreams.remove(stream)
        if let token = outputTokens.removeValue(forKey: stream) { loop.remove(token) }
        log.finish(stream)
        return 0
    }

    /// Reads no more as long as what was read can't be passed on: the pipe fills, and the service waits. Goes on as soon as it can.
    ///
    /// What is not read has no place in the loop at all, which would tell of a closed pipe again and again.
    private func holdUpOrGoOn() {
        guard let socket = log.congestion else {
            forgetCongestion()
            for stream in openStreams where outputTokens[stream] == nil { try? listen(to: stream) }
            return
        }
        if congestionToken == nil {
            congestionToken = try? loop.add(socket, .writable) { [unowned self] _ in
                log.resume()
                holdUpOrGoOn()
            }
        }
        guard congestionToken != nil else { return }
        for token in outputTokens.values { loop.remove(token) }
        outputTokens = [:]
    }

    private func forgetCongestion() {
        if let token = congestionToken { loop.remove(token) }
        congestionToken = nil
    }

    private func receiveReport() {
        guard let number = Self.number(launched.startReport), let token = reportToken else { return }
        var chunk = [UInt8](repeating: 0, count: 1024)
        while true {
            let count = read(number, &chunk, chunk.count)
            if count > 0 {
                if report.count < 16 * 1024 { report += chunk[..<count] }
                continue
            }
            if count < 0 && errno == EINTR { continue }
            if count < 0 && errno == EAGAIN { return }
            loop.remove(token)
            reportToken = nil
            onStart(report.isEmpty ? nil : String(decoding: report, as: UTF8.self))
            return
        }
    }

    /// The order matters: it started, it printed, it ended.
    private func end() {
        receiveReport()
        for stream in openStreams {
            // What can have been there at its end, and no more: a process of another service may have got the pipe, and write without end.
            var left = OutputBuffer.capacity(of: descriptor(of: stream))
            while left > 0, case let count = receive(stream), count > 0 { left -= count }
            if openStreams.contains(stream) { log.finish(stream) }
        }
        unwatch()
        onEnd()
    }
}
