/// A span of time as Docker says it: `3 minutes`, `About an hour`, `2 weeks`.
///
/// - Parameter seconds: a negative span, which a clock set back can make, counts as none.
public func humanDuration(seconds: Int64) -> String {
    // Hours are rounded and the rest cut off: what go-units does.
    let minutes = seconds / 60
    let hours = seconds / 3600 + (seconds % 3600 >= 1800 ? 1 : 0)
    switch true {
    case seconds < 1: return "Less than a second"
    case seconds == 1: return "1 second"
    case seconds < 60: return "\(seconds) seconds"
    case minutes == 1: return "About a minute"
    case minutes < 60: return "\(minutes) minutes"
    case hours == 1: return "About an hour"
    case hours < 48: return "\(hours) hours"
    case hours < 24 * 7 * 2: return "\(hours / 24) days"
    case hours < 24 * 30 * 2: return "\(hours / 24 / 7) weeks"
    case hours < 24 * 365 * 2: return "\(hours / 24 / 30) months"
    default: return "\(seconds / 3600 / 24 / 365) years"
    }
}

/// How long ago a moment was: `2 hours ago`.
///
/// - Parameters:
///   - moment: seconds since the epoch.
///   - now: seconds since the epoch.
public func humanAge(of moment: Int64, at now: Int64) -> String {
    let (seconds, overflow) = now.subtractingReportingOverflow(moment)
    return humanDuration(seconds: overflow ? 0 : seconds) + " ago"
}

/// A number of bytes as Docker says it: four digits in powers of 1000, `1.234kB`, `56.7MB`.
public func humanSize(bytes: Int64) -> String {
    let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    var unit = 0
    var size = Double(max(bytes, 0))
    while size >= 1000, unit < units.count - 1 {
        size /= 1000
        unit += 1
    }
    let decimals = size < 10 ? 3 : size < 100 ? 2 : size < 1000 ? 1 : 0
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let rounded = Int64((size * scale).rounded())
    let whole = rounded / Int64(scale)
    var fraction = String(rounded % Int64(scale) + Int64(scale)).dropFirst()
    while fraction.last == "0" { fraction.removeLast() }
    return fraction.isEmpty ? "\(whole)\(units[unit])" : "\(whole).\(fraction)\(units[unit])"
}

/// A number of things: `1 secret`, `3 secrets`.
///
/// - Parameter noun: in the singular, of those whose plural ends in `s`.
public func counted(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)" + (number == 1 ? "" : "s")
}
