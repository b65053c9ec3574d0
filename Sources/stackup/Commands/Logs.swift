import Glibc
import Runner
import Terminal

/// `stackup logs`: what the services wrote.
enum Logs {
    static let command = Command(
        "logs", summary: "Show the services' output",
        examples: [
            .init("stackup logs -f --tail 20 web", "web's last lines, and what comes"),
            .init("stackup logs --since 10m -t", "the last ten minutes, with times"),
        ],
        options: [
            .flag("follow", short: "f", help: "Go on with what comes, until nothing runs any more"),
            .value("tail", short: "n", "N", help: "Only this many lines from the end of each instance's log, or all"),
            .value("since", "TIME", help: "Only what is newer: 2026-01-31T10:00:00Z, or 10m for ten minutes ago"),
            .flag("timestamps", short: "t", help: "Show when each line was written"),
            .flag("no-log-prefix", help: "Don't print a prefix before each line"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let (tail, since) = (try tail(invocation), try since(invocation))
        let session = try StackSession(try invocation.projectName(), invocation, for: .reading)
        let state = try session.observe()
        let directories = session.directories
        // To follow may take days; the store's keys are of no use for it.
        _ = consume session
        let services = try selectedServices(invocation, state)
        guard access(directories.logs, F_OK) == 0 else { return 0 }
        let instances = services.map { names in
            state.instances.filter { names.contains($0.service) }.map { "\($0.service)-\($0.index)" }
        }
        let reader = try LogReader(directory: directories.logs, instances: instances, tail: tail, since: since)
        var printer = LogPrinter(invocation, instances: instances ?? state.instances.map { "\($0.service)-\($0.index)" })
        repeat {
            reader.readAvailable { printer.print($0) }
            guard invocation.flag("follow") else {
                printer.finish()
                return 0
            }
        } while try goOn(directories, reader)
        reader.readAvailable { printer.print($0) }
        printer.finish()
        return 0
    }

    /// Waits for more; false once nothing runs that could write it.
    private static func goOn(_ directories: StackDirectories, _ reader: LogReader) throws -> Bool {
        if try reader.waitForMore(milliseconds: 1000) { return true }
        return try SupervisorClient.connect(directories)?.observe().instances
            .contains { $0.status != .exited } ?? false
    }

    private static func tail(_ invocation: Invocation) throws -> Int? {
        invocation.value("tail") == "all" ? nil : try invocation.arguments.integer("tail")
    }

    private static func since(_ invocation: Invocation) throws -> LogTime? {
        guard let text = invocation.value("since") else { return nil }
        if let time = LogTime(text) { return time }
        if let seconds = Int64(text) { return LogTime(nanoseconds: seconds * 1_000_000_000) }
        guard let period = relativePeriod(text) else {
            throw invocation.arguments.usageError(
                "option '--since' needs a time, not '\(text)'", remedy: "write 2026-01-31T10:00:00Z, or 10m for ten minutes ago")
        }
        return LogTime(nanoseconds: LogTime.now().nanoseconds - period)
    }

    /// `1h30m`, `10s`, `500ms` in nanoseconds; nil where it is no such thing.
    private static func relativePeriod(_ text: String) -> Int64? {
        let units: [String: Int64] = ["ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000]
        var total: Int64 = 0
        var rest = text[...]
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest[digits.endIndex...].prefix { !($0.isASCII && $0.isNumber) }
            guard let number = Int64(digits), let scale = units[String(unit)] else { return nil }
            let (product, overflow) = number.multipliedReportingOverflow(by: scale)
            guard !overflow, product < .max / 2, total < .max / 2 else { return nil }
            total += product
            rest = rest[unit.endIndex...]
        }
        return text.isEmpty ? nil : total
    }
}

/// Prints log entries the way the options ask for.
struct LogPrinter {
    private var prefixes: LogPrefixes
    private let showsPrefix: Bool
    private let showsTime: Bool

    init(_ invocation: Invocation, instances: [String]) {
        prefixes = LogPrefixes(names: instances, isColoured: invocation.streams.coloursOutput)
        showsPrefix = !invocation.flag("no-log-prefix")
        showsTime = invocation.flag("timestamps")
    }

    /// The instance whose line is not ended yet: a very long one comes in parts.
    private var unfinished: String?

    /// The bytes go out as they were written: what a service prints is its own affair.
    mutating func print(_ entry: LogEntry) {
        var line: [UInt8] = []
        if unfinished != entry.instance {
            if unfinished != nil { line.append(UInt8(ascii: "\n")) }
            if showsPrefix { line += Array(prefixes.prefix(for: entry.instance).utf8) }
            if showsTime { line += Array("\(entry.time) ".utf8) }
        }
        line += entry.bytes
        unfinished = entry.bytes.last == UInt8(ascii: "\n") ? nil : entry.instance
        send(line)
    }

    /// Ends the last line, if its service has not.
    mutating func finish() {
        if unfinished != nil { send([UInt8(ascii: "\n")]) }
        unfinished = nil
    }

    private func send(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            // A reader that has gone away wants no more.
            if count < 0, errno != EINTR { exit(errno == EPIPE ? 0 : 1) }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
