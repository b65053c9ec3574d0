/// Signals by name, as `stop_signal` and `kill --signal` write them (signal(7)).
enum Signals {
    private static let numbers: [String: Int32] = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18,
        "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27,
        "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
    ]

    /// The number of `SIGTERM`, `term`, `15`, `SIGRTMIN+3` or `RTMAX-1`.
    ///
    /// - Throws: `DeploymentError` where there is no such signal.
    static func number(_ text: String) throws(DeploymentError) -> Int32 {
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let number = Int32(name), (1...64).contains(number) { return number }
        if let number = numbers[name] { return number }
        for (prefix, base) in [("RTMIN", Int32(34)), ("RTMAX", 64)] where name.hasPrefix(prefix) {
            let offset = name.dropFirst(prefix.count)
            if let number = offset.isEmpty ? base : Int32(offset).map({ base + $0 }), (34...64).contains(number) {
                return number
            }
        }
        throw DeploymentError("'\(text)' is not a signal; write for example SIGTERM, SIGHUP or 15")
    }
}
