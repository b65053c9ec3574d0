import SecretMemory
import SourceProtocol

/// Decrypts a credential that `systemd-creds` has encrypted for this host.
struct SystemdCredsDriver: SecretDriver {
    static let name = "systemd-creds"
    static let options = [
        DriverOption("file", "the encrypted credential", isRequired: true),
        DriverOption("name", "the name that it was encrypted with", otherwise: "the file's name, which systemd compares too"),
        .timeout,
    ]

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        var arguments = ["--newline=no"]
        if let name = request.option("name") { arguments.append("--name=\(name)") }
        let file = try request.readableFile("file")
        return try ExternalProgram("systemd-creds", arguments + ["decrypt", file, "-"], for: request).output()
    }
}
