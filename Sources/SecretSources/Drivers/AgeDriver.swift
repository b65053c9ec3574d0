import SecretMemory
import SourceProtocol

/// Decrypts a file with `age`.
struct AgeDriver: SecretDriver {
    static let name = "age"
    static let options = [
        DriverOption("file", "the encrypted file", isRequired: true),
        DriverOption("identity", "files of keys to decrypt with, age's or SSH's, with colons between them", isRequired: true),
        DriverOption("trim", "whether line ends at the end of the value are left out", otherwise: "`false`", choices: ["true", "false"]),
        .timeout,
    ]

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        var arguments = ["--decrypt"]
        for identity in request.required("identity").split(separator: ":") {
            arguments += ["--identity", try request.readableFile("identity", String(identity))]
        }
        // After the file nothing is taken for an option.
        var age = try ExternalProgram("age", arguments + ["--", try request.readableFile("file")], for: request)
        age.tellingLine = .first
        let value = try age.output()
        return request.flag("trim") ? try value.withoutLineEnd() : value
    }
}
