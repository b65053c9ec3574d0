/// Signals by name, as `stop_signal` and `kill --signal` write them (signal(7)).
public enum Signals {
    private static let numbers: KeyValuePairs<String, Int32> = [
        "HUP": 1, "INT": 2, "QUIT": 3, "ILL": 4, "TRAP": 5, "ABRT": 6, "IOT": 6, "BUS": 7, "FPE": 8, "KILL": 9,
        "USR1": 10, "SEGV": 11, "USR2": 12, "PIPE": 13, "ALRM": 14, "TERM": 15, "STKFLT": 16, "CHLD": 17, "CONT": 18,
        "STOP": 19, "TSTP": 20, "TTIN": 21, "TTOU": 22, "URG": 23, "XCPU": 24, "XFSZ": 25, "VTALRM": 26, "PROF": 27,
        "WINCH": 28, "IO": 29, "POLL": 29, "PWR": 30, "SYS": 31,
    ]

    /// The real-time signals; the C library keeps the two before them for itself.
    private static let realTime: ClosedRange<Int32> = 34...64

    /// Every name that has a number of its own, with `SIG`.
    public static var names: [String] { numbers.map { "SIG" + $0.key } }

    /// The number of `SIGTERM`, `term`, `15`, `SIGRTMIN+3` or `RTMAX-1`; nil where there is no such signal.
    public static func number(_ text: String) -> Int32? {
        let upper = text.uppercased()
        let name = upper.hasPrefix("SIG") ? String(upper.dropFirst(3)) : upper
        if let number = Int32(name) { return (1...realTime.upperBound).contains(number) ? number : nil }
        if let entry = numbers.first(where: { $0.key == name }) { return entry.value }
        for (prefix, base) in [("RTMIN", realTime.lowerBound), ("RTMAX", realTime.upperBound)] where name.hasPrefix(prefix) {
            let offset = name.dropFirst(prefix.count)
            guard offset.isEmpty || offset.hasPrefix("+") || offset.hasPrefix("-") else { return nil }
            guard let distance = offset.isEmpty ? 0 : Int32(offset), realTime.contains(base &+ distance) else { return nil }
            return base + distance
        }
        return nil
    }

    /// `SIGTERM` for 15, `SIGRTMIN+3` for 37; the number's digits where it has no name.
    public static func name(_ number: Int32) -> String {
        if let entry = numbers.first(where: { $0.value == number }) { return "SIG" + entry.key }
        guard realTime.contains(number) else { return String(number) }
        return number == realTime.lowerBound ? "SIGRTMIN" : "SIGRTMIN+\(number - realTime.lowerBound)"
    }
}
