import Glibc
import SecretMemory
import SourceProtocol

/// Asks `pass`, the standard unix password manager.
struct PassDriver: SecretDriver {
    static let name = "pass"
    static let options = [
        DriverOption("path", "the entry, such as `shop/db`", isRequired: true),
        DriverOption("line", "which line of the entry, counted from 1; or `all`", otherwise: "`1`, where passwords stand"),
        DriverOption("store", "the folder of the password store", otherwise: "`PASSWORD_STORE_DIR`, or `~/.password-store`"),
        .timeout,
    ]

    static func writablePaths(for request: SourceRequest) -> [String] { request.gnuPGFolders + request.temporaryFolders }

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let line = try Self.line(of: request)
        let entry = request.required("path")
        let store = request.path(request.option("store") ?? request.environment["PASSWORD_STORE_DIR"] ?? "~/.password-store")
        // Of a folder pass prints what is in there, which must not become a value.
        guard access("\(store)/\(entry).gpg", F_OK) == 0 else {
            throw SourceError(
                "the password store \(store) has no entry '\(entry)'",
                remedy: access(store, F_OK) == 0 ? "correct 'path', or make the entry with: pass insert \(entry)" : "name the store's folder in the driver option 'store', or run: pass init")
        }
        var pass = try ExternalProgram("pass", ["show", "--", entry], for: request)
        pass.environment["PASSWORD_STORE_DIR"] = store
        let text = try pass.output()
        guard let line else { return text }
        guard let value = try text.line(line) else {
            throw SourceError("the entry '\(entry)' has no line \(line)", remedy: "correct 'line'")
        }
        return value
    }

    /// Nil for all of them.
    private static func line(of request: SourceRequest) throws(SourceError) -> Int? {
        guard let text = request.option("line") else { return 1 }
        if text == "all" { return nil }
        guard let number = Int(text), number >= 1 else {
            throw SourceError(mistake: "the driver option 'line' can't be '\(text)'", remedy: "give a number from 1 on, or 'all'")
        }
        return number
    }
}

extension SecretBytes {
    /// A copy of one line without its end; nil where there are fewer.
    ///
    /// - Parameter number: counted from 1.
    fileprivate borrowing func line(_ number: Int) throws(SourceError) -> SecretBytes? {
        let range: Range<Int>? = withUnsafeBytes { bytes in
            var start = bytes.startIndex
            for _ in 1..<number {
                guard let end = bytes[start...].firstIndex(of: 0x0a), end + 1 < bytes.endIndex else { return nil }
                start = end + 1
            }
            return start..<(bytes[start...].firstIndex(of: 0x0a) ?? bytes.endIndex)
        }
        guard let range else { return nil }
        return try slice(range)
    }
}
