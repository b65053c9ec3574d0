extension Plan {
    /// The plan for people and for tests: one line for each action, in order, with its cause.
    /// ```
    /// + store     demo_db_password  version 1: new, from file ./db_password.txt
    /// ~ write     web  /run/secrets/db_password  demo_db_password version 2: file ./db_password.txt changed
    /// ~ recreate  web-1  command changed
    /// ```
    /// `+` adds, `~` changes, `-` takes away, `=` leaves alone; `= nothing to do` is the empty plan. There is no line end after the
    /// last line, and control characters in names are escaped, so that every line is an action.
    public var text: String {
        actions.isEmpty ? "= nothing to do" : actions.map(\.text).joined(separator: "\n")
    }
}

extension Action {
    /// The action's line of ``Plan/text``.
    var text: String {
        switch operation {
        case .storeSecret(let name, let version):
            line(version == 1 ? "+" : "~", "store", name, "version \(version): \(cause)")
        case .writeFile(let service, let file):
            line("~", "write", service, file.target, "\(file.shortSource): \(cause)")
        case .removeFile(let service, let file):
            line("-", "remove", service, file.target, "\(file.shortSource): \(cause)")
        case .createInstance(let service, let index): line("+", "create", "\(service)-\(index)", cause)
        case .recreateInstance(let service, let index): line("~", "recreate", "\(service)-\(index)", cause)
        case .startInstance(let service, let index): line("+", "start", "\(service)-\(index)", cause)
        case .holdInstance(let service, let index): line("=", "hold", "\(service)-\(index)", cause)
        case .removeInstance(let service, let index): line("-", "remove", "\(service)-\(index)", cause)
        case .signalService(let service, let signal): line("~", "signal", service, signal, cause)
        case .restartService(let service): line("~", "restart", service, cause)
        }
    }

    private func line(_ mark: String, _ verb: String, _ parts: String...) -> String {
        let padding = String(repeating: " ", count: max(0, 8 - verb.count))
        return "\(mark) \(verb)\(padding)  " + parts.map(\.withoutControlCharacters).joined(separator: "  ")
    }
}

extension MountedFile {
    /// `demo_db_password version 2`; a config's hash says nothing to a person.
    fileprivate var shortSource: String {
        kind == .secret ? "\(name) version \(version)" : "config \(name)"
    }
}

extension String {
    fileprivate var withoutControlCharacters: String {
        unicodeScalars.reduce(into: "") { text, scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format: text += scalar.escaped(asASCII: true)
            default: text.unicodeScalars.append(scalar)
            }
        }
    }
}
