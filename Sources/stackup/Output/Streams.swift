import Compose
import Glibc
import JSON
import Linux
import Terminal
import YAML

/// Where a command speaks: results to standard output, everything else to standard error.
struct Streams {
    let colours: ColourPolicy
    let progress: ProgressMode
    /// Whether standard output, and standard error, are coloured.
    let coloursOutput: Bool
    let coloursErrors: Bool
    /// Whether diagnostics are for a tool: a JSON object each.
    let diagnosticsAreJSON: Bool
    private let advice: Advice
    private let output = ResultOutput()

    /// What the options say, or `COMPOSE_ANSI` and `COMPOSE_PROGRESS` where they say nothing.
    init(_ arguments: ParsedCommand, environment: [String: String]) {
        advice = Advice(arguments)
        colours = (arguments.value("ansi") ?? environment["COMPOSE_ANSI"]).flatMap(ColourPolicy.init) ?? .auto
        progress = (arguments.value("progress") ?? environment["COMPOSE_PROGRESS"]).flatMap(ProgressMode.init) ?? .auto
        coloursOutput = colours.isEnabled(isTerminal: isTerminal(STDOUT_FILENO)) { environment[$0] }
        diagnosticsAreJSON = arguments.path == ["config"] && arguments.value("format") == "json"
        coloursErrors = colours.isEnabled(isTerminal: isTerminal(STDERR_FILENO)) { environment[$0] }
    }

    /// Whether a result could not be written, a full disk's fault for example; that has been said then.
    var lostResults: Bool { output.failure != nil }

    /// Whether nobody reads any more results, so that a command that goes on and on has nothing left to do.
    var isReaderGone: Bool { output.isReaderGone }

    /// A result.
    func print(_ text: String, terminator: String = "\n") {
        if !output.put(text + terminator), let failure = output.failure { fail("\(failure)") }
    }

    /// What happens meanwhile.
    func note(_ text: String) {
        let text = advice.completed(text)
        switch progress {
        case .quiet: return
        case .json: put(line(of: [.init("tail", .bool(true)), .init("text", .string(text))]), to: STDERR_FILENO)
        case .auto, .tty, .plain: put(sanitizedForTerminal(text) + "\n", to: STDERR_FILENO)
        }
    }

    func warn(_ text: String) {
        report(Diagnostic(.warning, text))
    }

    /// Why something was not done; each line is an error of its own.
    func fail(_ text: String) {
        for line in text.split(separator: "\n") { report(Diagnostic(.error, String(line))) }
    }

    func report(_ diagnostic: Diagnostic) { report([diagnostic]) }

    /// All in one piece: of a large project there are thousands.
    func report(_ diagnostics: [Diagnostic]) {
        guard !diagnostics.isEmpty else { return }
        let width = TerminalSize(of: STDERR_FILENO)?.columns ?? TerminalSize.standard.columns
        put(diagnostics.map { text(of: $0, width: width) }.joined(), to: STDERR_FILENO)
    }

    private func text(of diagnostic: Diagnostic, width: Int) -> String {
        var diagnostic = diagnostic
        diagnostic.message = advice.completed(diagnostic.message)
        diagnostic.remedy = diagnostic.remedy.map(advice.completed)
        if progress == .json, !diagnosticsAreJSON { return progressObject(diagnostic) }
        let severity: DiagnosticSeverity = diagnostic.severity == .error ? .error : .warning
        let location = diagnostic.location.map { DiagnosticLocation(file: $0.file, line: $0.line, column: $0.column) }
        let line: String?
        var column: Int?
        switch diagnostic.source {
        case .line(let text, let position): (line, column) = (text, position)
        case .unread: line = diagnostic.location.flatMap(sourceLine)
        case .withheld: line = nil
        }
        return diagnosticsAreJSON
            ? renderDiagnosticJSON(
                severity: severity, location: location, attribute: diagnostic.attribute, message: diagnostic.message,
                sourceLine: line, sourceColumn: column, remedy: diagnostic.remedy)
            : renderDiagnostic(
                severity: severity, location: location, attribute: diagnostic.attribute, message: diagnostic.message,
                sourceLine: line, sourceColumn: column, remedy: diagnostic.remedy, isColoured: coloursErrors, width: width)
    }

    /// As Compose has it where progress is JSON, so that standard error stays one object a line; with the place and the
    /// remedy as members of their own.
    private func progressObject(_ diagnostic: Diagnostic) -> String {
        var members: [JSONValue.Member] = switch diagnostic.severity {
        case .error: [.init("error", .bool(true)), .init("message", .string(diagnostic.message))]
        case .warning: [.init("level", .string("warning")), .init("msg", .string(diagnostic.message))]
        }
        if let location = diagnostic.location {
            members += [
                .init("file", .string(location.file)), .init("line", .integer(Int64(location.line))),
                .init("column", .integer(Int64(location.column))),
            ]
        }
        if !diagnostic.attribute.isEmpty { members.append(.init("attribute", .string(diagnostic.attribute))) }
        if let remedy = diagnostic.remedy { members.append(.init("remedy", .string(remedy))) }
        return line(of: members)
    }

    private func line(of members: [JSONValue.Member]) -> String {
        JSONValue.object(members).serialized() + "\n"
    }

    /// The line that a location points into, for diagnostics that were made after the files were read.
    private func sourceLine(at location: SourceLocation) -> String? {
        guard location.file != "-", let file = try? FileDescriptor.open(location.file, O_RDONLY | O_NONBLOCK),
            let bytes = try? file.readAll(limit: 64 << 20)
        else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: location.line, omittingEmptySubsequences: false)
        return lines.indices.contains(location.line - 1) ? String(decoding: lines[location.line - 1], as: UTF8.self) : nil
    }

    /// Says that a service cannot run because it needs an image: an error where it was to run, a warning before.
    func reportImage(of service: Service, _ severity: Diagnostic.Severity) {
        let attribute = service.image == nil ? "build" : "image"
        report(
            Diagnostic(
                severity,
                "service '\(service.name)' has '\(attribute)', and images are not supported yet"
                    + (severity == .warning ? ": up refuses it" : ""),
                at: service.imageLocation, attribute: "services.\(service.name).\(attribute)",
                remedy: "remove '\(attribute)' and give 'command' a program of this host, or keep this service in Docker"))
    }
}
