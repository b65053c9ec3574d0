import SecretMemory
import SourceProtocol

/// Decrypts a file with Mozilla's `sops`, or a value in it.
struct SopsDriver: SecretDriver {
    static let name = "sops"
    static let options = [
        DriverOption("file", "the encrypted file", isRequired: true),
        DriverOption("key", "the value in it, such as `db.password` or `servers[0].token`; or as sops has it, `[\"db\"][\"password\"]`", otherwise: "the whole file"),
        DriverOption(
            "format", "of the file", otherwise: "what its name ends with; `binary` where that says nothing",
            choices: ["yaml", "json", "dotenv", "ini", "binary"]),
        DriverOption("identity", "a file of age's keys to decrypt with", otherwise: "what sops finds by itself"),
        .timeout,
    ]

    static func writablePaths(for request: SourceRequest) -> [String] { request.gnuPGFolders }

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        var arguments = ["decrypt"]
        if let format = request.option("format") { arguments += ["--input-type", format, "--output-type", format] }
        if let key = request.option("key") { arguments += ["--extract", try SopsPath.text(of: key)] }
        let file = try request.readableFile("file")
        var sops = try ExternalProgram("sops", arguments + [file], for: request)
        if let identity = request.option("identity") {
            sops.environment["SOPS_AGE_KEY_FILE"] = try request.readableFile("identity", identity)
        }
        sops.tellingLine = .first
        do throws(SourceError) {
            return try sops.output()
        } catch {
            // Whatever else is wrong, sops says well enough.
            guard error.reason.contains("get the data key") else { throw error }
            throw SourceError(
                error.reason, remedy: "give it a key that decrypts the file: for age, in the driver option 'identity' or in SOPS_AGE_KEY_FILE",
                isTransient: error.isTransient)
        }
    }
}

/// The way to a value in a file, as sops' `--extract` takes it.
enum SopsPath {
    /// `db.password` and `servers[0].token` as `["db"]["password"]` and `["servers"][0]["token"]`; what begins with a bracket
    /// is in sops' own form already.
    ///
    /// - Throws: `SourceError` for a text that is neither.
    static func text(of key: String) throws(SourceError) -> String {
        if key.hasPrefix("[") { return key }
        var result = ""
        for part in key.split(separator: ".", omittingEmptySubsequences: false) {
            let name = part.prefix { $0 != "[" }
            let indexes = part.dropFirst(name.count)
            guard !name.isEmpty, !name.contains(where: { "\"\\]".contains($0) }), areIndexes(indexes) else {
                throw SourceError(
                    mistake: "the driver option 'key' can't be '\(key)'",
                    remedy: "write for example db.password or servers[0].token, or for a name with a dot in it [\"tls.key\"]")
            }
            result += "[\"\(name)\"]\(indexes)"
        }
        return result
    }

    /// Such as `[0][12]`.
    private static func areIndexes(_ text: Substring) -> Bool {
        text.isEmpty
            || text.hasSuffix("]")
                && text.dropLast().split(separator: "]", omittingEmptySubsequences: false).allSatisfy { $0.hasPrefix("[") && UInt32($0.dropFirst()) != nil }
    }
}
