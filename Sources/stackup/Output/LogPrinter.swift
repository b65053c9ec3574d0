import Glibc
import Reconciler
import Runner
import Terminal

/// Prints log entries the way the options ask for.
struct LogPrinter {
    /// Where what services write goes.
    enum Outputs {
        /// All of it to standard output, as Compose's `logs` has it.
        case output
        /// All of it to standard error.
        case errors
        /// Standard error apart, as Compose's `up` has it.
        case separate

        func descriptor(of stream: LogStream) -> Int32 {
            switch self {
            case .output: STDOUT_FILENO
            case .errors: STDERR_FILENO
            case .separate: stream == .stdout ? STDOUT_FILENO : STDERR_FILENO
            }
        }
    }

    /// Who writes a line.
    private struct Source: Equatable {
        let instance: String
        let stream: LogStream
    }

    private var prefixes: LogPrefixes
    /// Of one-offs, by instance.
    private let ownNames: [String: String]
    private let showsPrefix: Bool
    private let showsTime: Bool
    private let outputs: Outputs
    private let streams: Streams
    /// Whose line is not ended yet: a very long one comes in parts.
    private var unfinished: Source?
    /// Whether there is more to do than to print, once the terminal is gone.
    private let outlivesTerminal: Bool
    /// Called before anything is printed.
    var willPrint: () -> Void = {}

    /// - Parameters:
    ///   - instances: those known so far, for the width of the prefixes.
    ///   - outlivesTerminal: whether to go on without a terminal that was closed. SIGHUP tells of that, too, and may be seen later than that nothing
    ///     can be written any more.
    init(_ invocation: Invocation, instances: [ObservedInstance], to outputs: Outputs, outlivesTerminal: Bool = false) {
        self.outlivesTerminal = outlivesTerminal
        ownNames = Dictionary(instances.compactMap { instance in instance.oneOff.map { (instance.name, $0.name) } }, uniquingKeysWith: { first, _ in first })
        prefixes = LogPrefixes(
            names: instances.map { $0.oneOff?.name ?? $0.name }, isColoured: !invocation.flag("no-color") && (outputs == .errors ? invocation.streams.coloursErrors : invocation.streams.coloursOutput))
        showsPrefix = !invocation.flag("no-log-prefix")
        showsTime = invocation.flag("timestamps")
        self.outputs = outputs
        streams = invocation.streams
    }

    /// The bytes go out as they were written: what a service prints is its own affair.
    mutating func print(_ entry: LogEntry) {
        let source = Source(instance: entry.instance, stream: entry.stream)
        willPrint()
        var line: [UInt8] = []
        if unfinished != source {
            finish()
            if showsPrefix { line += Array(prefixes.prefix(for: ownNames[entry.instance] ?? entry.instance).utf8) }
            if showsTime { line += Array("\(entry.time.fixedDescription) ".utf8) }
        }
        line += entry.bytes
        unfinished = entry.isPart ? source : nil
        if !entry.isPart, line.last != 10 { line.append(10) }
        send(line, to: entry.stream)
    }

    /// A line of Compose's about an instance: `web-1 exited with code 5`.
    mutating func state(_ text: String, about instance: String) {
        willPrint()
        finish()
        send(Array((prefixes.statement(about: ownNames[instance] ?? instance, text) + "\n").utf8), to: .stdout)
    }

    /// Ends the last line, if its service has not.
    mutating func finish() {
        if let unfinished { send([10], to: unfinished.stream) }
        unfinished = nil
    }

    private func send(_ bytes: [UInt8], to stream: LogStream) {
        let descriptor = outputs.descriptor(of: stream)
        guard !bytes.withUnsafeBytes({ put($0, to: descriptor) }) else { return }
        if errno == EIO, outlivesTerminal { return }
        // A reader that has gone away wants no more.
        guard errno != EPIPE else { exit(0) }
        if descriptor == STDOUT_FILENO { streams.fail("\(ResultOutput.error())") }
        exit(1)
    }
}

extension ObservedInstance {
    /// `web-1`.
    var name: String { "\(service)-\(index)" }
}
