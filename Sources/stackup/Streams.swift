import Compose
import Glibc
import Linux
import Terminal
import YAML

/// Where a command speaks: results to standard output, everything else to standard error.
struct Streams: Sendable {
    let colours: ColourPolicy
    let progress: ProgressMode
    /// Whether standard output, and standard error, are coloured.
    let coloursOutput: Bool
    let coloursErrors: Bool

    /// What the options say, or `COMPOSE_ANSI` and `COMPOSE_PROGRESS` where they say nothing.
    init(_ arguments: ParsedCommand, environment: [String: String]) {
        colours = (arguments.value("ansi") ?? environment["COMPOSE_ANSI"]).flatMap(ColourPolicy.init) ?? .auto
        progress = (arguments.value("progress") ?? environment["COMPOSE_PROGRESS"]).flatMap(ProgressMode.init) ?? .auto
        coloursOutput = colours.isEnabled(isTerminal: isTerminal(STDOUT_FILENO)) { environment[$0] }
        coloursErrors = colours.isEnabled(isTerminal: isTerminal(STDERR_FILENO)) { environment[$0] }
    }

    /// A result.
    func print(_ text: String, terminator: String = "\n") {
        put(text + terminator, to: STDOUT_FILENO)
    }

    /// What happens meanwhile.
    func note(_ text: String) {
        guard progress != .quiet else { return }
        put(sanitizedForTerminal(text) + "\n", to: STDERR_FILENO)
    }

    func warn(_ text: String) {
        report(Diagnostic(.warning, text))
    }

    /// Why something was not done; each line is an error of its own.
    func fail(_ text: String) {
        for line in text.split(separator: "\n") { report(Diagnostic(.error, String(line))) }
    }

    func report(_ diagnostic: Diagnostic) {
        let location = diagnostic.location.map { DiagnosticLocation(file: $0.file, line: $0.line, column: $0.column) }
        put(
            renderDiagnostic(
                severity: diagnostic.severity == .error ? .error : .warning, location: location,
                attribute: diagnostic.attribute, message: diagnostic.message,
                sourceLine: diagnostic.sourceLine ?? diagnostic.location.flatMap(sourceLine),
                remedy: diagnostic.remedy, isColoured: coloursErrors,
                width: TerminalSize(of: STDERR_FILENO)?.columns ?? TerminalSize.standard.columns),
            to: STDERR_FILENO)
    }

    /// The line that a location points into, for diagnostics that were made after the files were read.
    private func sourceLine(at location: SourceLocation) -> String? {
        guard location.file != "-", let file = try? FileDescriptor.open(location.file, O_RDONLY | O_NONBLOCK),
            let bytes = try? file.readAll(limit: 64 << 20)
        else { return nil }
        let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: location.line, omittingEmptySubsequences: false)
        return lines.indices.contains(location.line - 1) ? String(decoding: lines[location.line - 1], as: UTF8.self) : nil
    }

    /// Says that a service cannot run because it needs an image.
    func reportImage(of service: Service) {
        let attribute = service.image == nil ? "build" : "image"
        report(
            Diagnostic(
                .error, "service '\(service.name)' has '\(attribute)', and images are not supported yet",
                at: service.imageLocation, attribute: "services.\(service.name).\(attribute)",
                remedy: "remove '\(attribute)' and give 'command' a program of this host, or keep this service in Docker"))
    }
}
