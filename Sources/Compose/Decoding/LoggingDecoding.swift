import Words
import YAML

/// Reads `logging`.
struct LoggingDecoding {
    /// `services.NAME`.
    let path: String
    let service: String
    let reporter: Reporter

    /// Docker has them, and there is nothing here that they could speak to.
    private static let foreignDrivers = ["awslogs", "etwlogs", "fluentd", "gcplogs", "gelf", "logentries", "splunk"]
    private static let facilities = [
        "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "", "", "", "", "local0",
        "local1", "local2", "local3", "local4", "local5", "local6", "local7",
    ]
    private static let fileOptions = ["max-size", "max-file"]
    private static let idleOptions = ["compress", "env", "env-regex", "labels", "labels-regex", "max-buffer-size", "mode"]
    private static let cacheOptions = ["cache-compress", "cache-disabled", "cache-max-file", "cache-max-size"]

    func decode(_ attribute: Mapping.Entry) -> Logging {
        let node = attribute.value
        var logging = Logging()
        let name = node["driver"]?.string ?? ""
        if let driver = Logging.Driver(rawValue: name) {
            logging.driver = driver
        } else if Self.foreignDrivers.contains(name) {
            note("driver", node["driver"], "the output is kept as with local: '\(name)' is none of \(Self.list(Logging.Driver.allCases.map(\.rawValue)))")
            return logging
        } else if !name.isEmpty {
            refuse("unknown driver '\(name)'", node["driver"], "driver", remedy(name, among: Logging.Driver.allCases.map(\.rawValue)))
        }
        for option in node["options"]?.mapping?.entries ?? [] { decode(option, into: &logging) }
        // What Docker keeps for those who name it, and no more than is usual here for those who don't.
        if name == Logging.Driver.local.rawValue {
            logging.fileSize = logging.fileSize ?? 20 << 20
            logging.fileCount = logging.fileCount ?? 5
        }
        return logging
    }

    private func decode(_ option: Mapping.Entry, into logging: inout Logging) {
        let value = option.value.string ?? ""
        switch (option.key, logging.driver) {
        case ("max-size", .local), ("max-size", .jsonFile), ("cache-max-size", .journald), ("cache-max-size", .syslog):
            if value == "-1" {
                logging.fileSize = .max
            } else if let size = ScalarText.bytes(value), size > 0 {
                logging.fileSize = size
            } else {
                refuse("'\(value)' is no size", option.value, "options.\(option.key)", "write for example 10m; -1 is unlimited")
            }
        case ("max-file", .local), ("max-file", .jsonFile), ("cache-max-file", .journald), ("cache-max-file", .syslog):
            if let count = Int(value), (1...1000).contains(count) {
                logging.fileCount = count
            } else {
                refuse("'\(value)' is no number of files", option.value, "options.\(option.key)", "write a number from 1 to 1000")
            }
        case ("cache-disabled", .journald), ("cache-disabled", .syslog): logging.isKept = value != "true"
        case ("tag", .journald), ("tag", .syslog): logging.tag = tag(option)
        case ("syslog-address", .syslog): logging.socket = socket(option) ?? logging.socket
        case ("syslog-facility", .syslog):
            if let number = Self.facilities.firstIndex(of: value), !value.isEmpty {
                logging.facility = number
            } else if let number = Int(value), (0...23).contains(number) {
                logging.facility = number
            } else {
                refuse("unknown facility '\(value)'", option.value, "options.\(option.key)", remedy(value, among: Self.facilities.filter { !$0.isEmpty }))
            }
        case ("syslog-format", .syslog):
            if let format = Logging.SyslogFormat(rawValue: value) {
                logging.format = format
            } else if !value.isEmpty {
                refuse("unknown format '\(value)'", option.value, "options.\(option.key)", remedy(value, among: Logging.SyslogFormat.allCases.map(\.rawValue)))
            }
        case (_, _) where Self.idleOptions.contains(option.key) || option.key == "tag" || option.key.hasPrefix("cache-"):
            note("options.\(option.key)", option.value, "the driver '\(logging.driver.rawValue)' has no use for it here")
        default:
            refuse(
                "the driver '\(logging.driver.rawValue)' has no option '\(option.key)'", option.value, "options.\(option.key)",
                remedy(option.key, among: options(of: logging.driver)))
        }
    }

    private func options(of driver: Logging.Driver) -> [String] {
        switch driver {
        case .local, .jsonFile: Self.fileOptions
        case .none: []
        case .journald: ["tag"] + Self.cacheOptions
        case .syslog: ["tag", "syslog-address", "syslog-facility", "syslog-format"] + Self.cacheOptions
        }
    }

    private func tag(_ option: Mapping.Entry) -> String {
        let text = option.value.string ?? ""
        // Docker's other words tell of a container and its image.
        let rest = text.replacing(part: "{{.Name}}", with: "").replacing(part: "{{.ID}}", with: "").replacing(part: "{{.FullID}}", with: "")
        if rest.contains(part: "{{") {
            refuse("'\(text)' has more than {{.Name}}", option.value, "options.tag", "there are {{.Name}}, {{.ID}} and {{.FullID}}, the instance's name each")
        }
        return text.isEmpty ? "{{.Name}}" : text.replacing(part: "{{.ID}}", with: "{{.Name}}").replacing(part: "{{.FullID}}", with: "{{.Name}}")
    }

    private func socket(_ option: Mapping.Entry) -> String? {
        let text = option.value.string ?? ""
        for scheme in ["unix://", "unixgram://"] where text.hasPrefix(scheme + "/") { return String(text.dropFirst(scheme.count)) }
        refuse(
            "'\(text)' is no socket of this host", option.value, "options.syslog-address",
            "write for example unixgram:///dev/log, and have the syslog there pass on what is to go elsewhere")
        return nil
    }

    private func remedy(_ word: String, among words: [String]) -> String {
        Spelling.suggestion(for: word, among: words) ?? (words.isEmpty ? "remove it" : "there is \(Self.list(words))")
    }

    private static func list(_ words: [String]) -> String { words.joined(separator: ", ") }

    private func refuse(_ reason: String, _ node: Node?, _ attribute: String, _ remedy: String) {
        reporter.obstacle(
            "\(path).logging.\(attribute): \(reason)", at: node?.place, attribute: "\(path).logging.\(attribute)", remedy: remedy)
    }

    private func note(_ attribute: String, _ node: Node?, _ reason: String) {
        guard let place = node?.place else { return }
        reporter.note(
            NoEffect.Use(
                attribute: "\(path).logging.\(attribute)", pattern: "services.*.logging.\(attribute)", owner: service, place: place,
                reason: reason))
    }
}
