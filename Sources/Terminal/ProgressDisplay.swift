import Glibc
import JSON

/// How progress is shown: `--progress`.
public enum ProgressMode: String, Sendable, CaseIterable {
    case auto, tty, plain, json, quiet

    /// `auto` decided: live on a terminal, plain elsewhere.
    public func resolved(isTerminal: Bool) -> ProgressMode {
        self == .auto ? (isTerminal ? .tty : .plain) : self
    }
}

/// What is being done to each resource, as `docker compose` shows it.
///
/// On a terminal it is a block of lines that is drawn again as things change:
/// ```
/// [+] Running 2/3
///  ✔ Secret demo_password  Created                                     0.0s
///  ✔ Service db-1          Started                                     0.1s
///  ⠹ Service web-1         Starting                                    0.2s
/// ```
/// It has no timer of its own: call ``refresh()`` before waiting for something and about ten times a second
/// while waiting. Only one thread may use it.
public final class ProgressDisplay {
    /// How a step stands.
    public enum Status: String, Sendable {
        case working = "Working"
        case done = "Done"
        case warning = "Warning"
        case error = "Error"

        var isFinished: Bool { self != .working }
    }

    struct Entry {
        let resource: String
        var status: Status
        var text: String
        let start: Double
        var end: Double?
    }

    private let mode: ProgressMode
    private let title: String
    private let isColoured: Bool
    private let size: () -> TerminalSize
    private let clock: () -> Double
    private let output: (String) -> Void
    private(set) var entries: [Entry] = []
    private var places: [String: Int] = [:]
    private var drawnLines = 0
    private var lastDraw = -Double.infinity
    private var isStale = false
    private var isFinished = false

    /// A display on standard error.
    ///
    /// - Parameters:
    ///   - mode: as asked for.
    ///   - title: the word in the first line of the block.
    ///   - isColoured: as ``ColourPolicy`` has it for standard error.
    public convenience init(_ mode: ProgressMode, title: String = "Running", isColoured: Bool = false) {
        self.init(
            mode.resolved(isTerminal: isTerminal(STDERR_FILENO)), title: title, isColoured: isColoured,
            size: { TerminalSize(of: STDERR_FILENO) ?? .standard }, clock: monotonicSeconds,
            output: { put($0, to: STDERR_FILENO) })
    }

    init(
        _ mode: ProgressMode, title: String, isColoured: Bool, size: @escaping () -> TerminalSize,
        clock: @escaping () -> Double, output: @escaping (String) -> Void
    ) {
        self.mode = mode
        self.title = title
        self.isColoured = isColoured
        self.size = size
        self.clock = clock
        self.output = output
    }

    /// Says how a resource stands now.
    ///
    /// - Parameters:
    ///   - resource: its kind and name: `Service web-1`.
    ///   - status: whether that is the end of it.
    ///   - text: `Starting`, `Started`, or what went wrong.
    public func update(resource: String, status: Status, text: String) {
        update(resources: [resource], status: status, text: text)
    }

    /// Says how several resources stand now, all the same, in one write: whoever reads along is woken once, not for each.
    public func update(resources: [String], status: Status, text: String) {
        guard !isFinished else { return }
        let text = sanitizedForTerminal(text)
        let now = clock()
        var lines = ""
        var hasChanged = false
        for resource in resources.lazy.map({ sanitizedForTerminal($0) }) where note(resource, status, text, at: now) {
            hasChanged = true
            switch mode {
            case .plain: lines += " \(resource)  \(text)\n"
            case .json:
                lines += JSONValue.object([
                    .init("id", .string(resource)), .init("status", .string(status.rawValue)), .init("text", .string(text)),
                ]).serialized() + "\n"
            case .tty, .quiet, .auto: break
            }
        }
        if !lines.isEmpty { output(lines) }
        guard mode == .tty, hasChanged else { return }
        isStale = true
        // Fifty services start within one frame; drawing each change would cost more than the starting.
        if now - lastDraw >= 0.05 { draw(now: now, isLast: false) }
    }

    /// - Returns: whether that is news.
    private func note(_ resource: String, _ status: Status, _ text: String, at now: Double) -> Bool {
        let place = places[resource] ?? entries.count
        if place == entries.count {
            places[resource] = place
            entries.append(Entry(resource: resource, status: status, text: text, start: now))
        } else {
            guard entries[place].status != status || entries[place].text != text else { return false }
            entries[place].status = status
            entries[place].text = text
        }
        entries[place].end = status.isFinished ? now : nil
        return true
    }

    /// Draws what has changed since the last time, spinners and seconds included.
    public func refresh() {
        guard mode == .tty, !isFinished, !entries.isEmpty else { return }
        let now = clock()
        if isStale || now - lastDraw >= 0.1 { draw(now: now, isLast: false) }
    }

    /// Draws the last state, in full. Nothing is shown after it.
    public func finish() {
        guard !isFinished else { return }
        if mode == .tty, !entries.isEmpty { draw(now: clock(), isLast: true) }
        isFinished = true
    }

    /// Takes the block off the terminal, so that something else can be printed; the next change draws it again below.
    public func clear() {
        guard mode == .tty, drawnLines > 0, !isFinished else { return }
        // The cursor need not be where it was left: for Ctrl-C a terminal shows `^C`.
        output("\r\u{1B}[\(drawnLines)A\u{1B}[J")
        drawnLines = 0
        isStale = true
    }

    private func draw(now: Double, isLast: Bool) {
        let lines = block(now: now, isLast: isLast)
        // One write, so that the block is never seen half drawn.
        var text = drawnLines > 0 ? "\r\u{1B}[\(drawnLines)A" : ""
        for line in lines { text += "\r\(line)\u{1B}[K\n" }
        if lines.count < drawnLines { text += "\u{1B}[J" }
        output(text)
        drawnLines = lines.count
        lastDraw = now
        isStale = false
    }

    private func block(now: Double, isLast: Bool) -> [String] {
        let size = self.size()
        let finished = entries.count { $0.status.isFinished }
        let header = "[+] \(title) \(finished)/\(entries.count)"
        let shown = isLast ? entries : visible(rows: size.rows - 2)
        let nameWidth = shown.map { displayWidth($0.resource) }.max() ?? 0
        return [truncated(header, to: size.columns - 1)]
            + shown.map { line($0, nameWidth: nameWidth, columns: size.columns - 1, now: now) }
    }

    /// As many entries as fit, since the cursor can't go up past the screen's top: those at work and those that
    /// went wrong before those that are done, but in their own order.
    private func visible(rows: Int) -> [Entry] {
        guard entries.count > rows else { return entries }
        let urgent = entries.indices.filter { entries[$0].status != .done }
        let rest = entries.indices.filter { entries[$0].status == .done }.reversed()
        return (urgent + rest).prefix(max(rows, 1)).sorted().map { entries[$0] }
    }

    private func line(_ entry: Entry, nameWidth: Int, columns: Int, now: Double) -> String {
        let mark: String
        let style: Style
        switch entry.status {
        case .working:
            let frames = Array("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
            mark = String(frames[Int(max(now - entry.start, 0) * 10) % frames.count])
            style = .cyan
        case .done: (mark, style) = ("✔", .green)
        case .warning: (mark, style) = ("!", .yellow)
        case .error: (mark, style) = ("✘", .red)
        }
        let tenths = Int((max((entry.end ?? now) - entry.start, 0) * 10).rounded())
        let elapsed = "\(tenths / 10).\(tenths % 10)s"
        // " ✔ " before, two spaces before the seconds.
        let room = max(columns - 3 - displayWidth(elapsed) - 2, 10)
        let padding = String(repeating: " ", count: nameWidth - displayWidth(entry.resource))
        let plain = truncated("\(entry.resource)\(padding)  \(entry.text)", to: room)
        let gap = String(repeating: " ", count: room - displayWidth(plain) + 2)
        return " \(style(mark, enabled: isColoured)) \(plain)\(gap)\(Style.blue(elapsed, enabled: isColoured))"
    }
}

private func monotonicSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
