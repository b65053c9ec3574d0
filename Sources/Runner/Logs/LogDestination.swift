import Glibc
import Linux
import Words

/// The journal or a syslog: a socket that takes a datagram for each line.
///
/// When it takes no more, what has been read is kept, and no more is read: the service is held up, and nothing is lost. Where nobody listens
/// lines are lost, as they are in Docker; the next one tries again.
final class LogDestination {
    private let destination: LogPlan.Destination
    private let instance: String
    private let tag: String
    private let path: String
    private var socket: FileDescriptor?
    /// Datagrams in their order, the first `taken` of which have been taken: never more than what one read brings.
    private var waiting: [[UInt8]] = []
    private var taken = 0
    /// Bytes of those that wait.
    private var waitingBytes = 0
    /// Lines that had no room: only what instances leave at their end can be more than there is.
    private var lost = 0
    private(set) var congestion: Int32?
    /// Called before the socket is closed that ``congestion`` may have named.
    var willClose: () -> Void = {}

    private static let waitingLimit = 4 << 20

    /// - Parameter instance: `shop-web-1`.
    init(_ destination: LogPlan.Destination, instance: String) {
        self.destination = destination
        self.instance = instance
        path = destination.socketPath
        let template = switch destination {
        case .journal(let tag), .syslog(_, _, _, let tag): tag
        }
        tag = template.replacing(part: "{{.Name}}", with: instance)
    }

    /// Puts a line into the row.
    func add(_ text: UnsafeRawBufferPointer, endsLine: Bool, _ stream: LogStream, _ time: LogTime) {
        guard waitingBytes < Self.waitingLimit else {
            lost += 1
            return
        }
        let severity = stream == .stdout ? 6 : 3
        let datagram = switch destination {
        case .journal: JournalEntry.bytes(text, endsLine: endsLine, severity: severity, tag: tag, instance: instance)
        case .syslog(_, let facility, let format, _):
            SyslogMessage.bytes(text, priority: facility * 8 + severity, format: format, tag: tag, pid: getpid(), time: time)
        }
        waitingBytes += datagram.count
        waiting.append(datagram)
    }

    /// Sends what it can.
    func flush() {
        congestion = nil
        var isFresh = false
        while taken < waiting.count {
            let datagram = waiting[taken]
            if socket == nil {
                socket = Self.connect(path)
                isFresh = true
            }
            guard let number = socket?.number else { break }
            let sent = datagram.withUnsafeBytes { send(number, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) }
            if sent >= 0 {
                taken += 1
                continue
            }
            switch errno {
            case EINTR: continue
            case EAGAIN, ENOBUFS:
                congestion = number
                return
            // Larger than it takes: one line that is no use to keep.
            case EMSGSIZE: taken += 1
            default:
                // Who listened is gone; somebody else may listen by now.
                willClose()
                socket = nil
                if isFresh { taken = waiting.count }
            }
        }
        waiting = []
        taken = 0
        waitingBytes = 0
        guard lost > 0 else { return }
        let note = Array("stackup: \(lost) lines of output were lost here: there was no room for them".utf8)
        lost = 0
        note.withUnsafeBytes { add($0, endsLine: true, .stderr, .now()) }
        flush()
    }

    private static func connect(_ path: String) -> FileDescriptor? {
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { return nil }
        let socket = FileDescriptor(owning: number)
        guard SocketAddress.withUnix(path, { Glibc.connect(number, $0, $1) }) == 0 else { return nil }
        return socket
    }
}

/// An entry in the journal's native protocol: a line `NAME=value` for each field, or, where the value has line ends, the name, its length and
/// the value.
///
/// Source: systemd's "Native Journal Protocol", and Docker's names of fields.
enum JournalEntry {
    static func bytes(_ text: UnsafeRawBufferPointer, endsLine: Bool, severity: Int, tag: String, instance: String) -> [UInt8] {
        var entry: [UInt8] = []
        append("MESSAGE", text, to: &entry)
        let fields = [
            ("PRIORITY", "\(severity)"), ("SYSLOG_IDENTIFIER", tag), ("CONTAINER_NAME", instance), ("CONTAINER_TAG", tag),
        ] + (endsLine ? [] : [("CONTAINER_PARTIAL_MESSAGE", "true")])
        for (name, value) in fields { Array(value.utf8).withUnsafeBytes { append(name, $0, to: &entry) } }
        return entry
    }

    private static func append(_ name: String, _ value: UnsafeRawBufferPointer, to entry: inout [UInt8]) {
        entry += name.utf8
        if value.contains(where: { $0 == 10 || $0 == 0 }) {
            entry.append(10)
            withUnsafeBytes(of: UInt64(value.count).littleEndian) { entry += $0 }
        } else {
            entry.append(UInt8(ascii: "="))
        }
        entry += value
        entry.append(10)
    }
}

/// A message to a local syslog.
///
/// Source: RFC 3164 in the form that syslog(3) sends, without a host name, and RFC 5424.
enum SyslogMessage {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    static func bytes(
        _ text: UnsafeRawBufferPointer, priority: Int, format: LogPlan.SyslogFormat, tag: String, pid: Int32, time: LogTime
    ) -> [UInt8] {
        var message = Array("<\(priority)>".utf8)
        switch format {
        case .rfc3164: message += "\(localStamp(time)) \(tag)[\(pid)]: ".utf8
        case .rfc5424: message += "1 \(stamp(time, withMicroseconds: false)) \(hostname()) \(tag) \(pid) \(tag) - ".utf8
        case .rfc5424micro: message += "1 \(stamp(time, withMicroseconds: true)) \(hostname()) \(tag) \(pid) \(tag) - ".utf8
        }
        // NUL ends a message for most.
        message += text.map { $0 == 0 ? UInt8(ascii: " ") : $0 }
        return message
    }

    /// `Jan  2 03:04:05`, in local time.
    private static func localStamp(_ time: LogTime) -> String {
        let fields = broken(time, localtime_r)
        return "\(months[Int(fields.tm_mon)]) \(padded(fields.tm_mday, with: " ")) "
            + [fields.tm_hour, fields.tm_min, fields.tm_sec].map { padded($0, with: "0") }.joined(separator: ":")
    }

    /// `2026-01-02T03:04:05.000006Z`
    private static func stamp(_ time: LogTime, withMicroseconds: Bool) -> String {
        let fields = broken(time, gmtime_r)
        let date = "\(fields.tm_year + 1900)-\(padded(fields.tm_mon + 1, with: "0"))-\(padded(fields.tm_mday, with: "0"))"
        let clock = [fields.tm_hour, fields.tm_min, fields.tm_sec].map { padded($0, with: "0") }.joined(separator: ":")
        let micros = String(time.nanoseconds % 1_000_000_000 / 1000)
        return "\(date)T\(clock)" + (withMicroseconds ? "." + String(repeating: "0", count: 6 - micros.utf8.count) + micros : "") + "Z"
    }

    private static func broken(
        _ time: LogTime, _ convert: (UnsafePointer<time_t>?, UnsafeMutablePointer<tm>?) -> UnsafeMutablePointer<tm>?
    ) -> tm {
        var seconds = time_t(time.nanoseconds / 1_000_000_000)
        var fields = tm()
        _ = convert(&seconds, &fields)
        return fields
    }

    private static func padded(_ number: Int32, with character: Character) -> String {
        number < 10 ? "\(character)\(number)" : "\(number)"
    }

    private static func hostname() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "-" }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
