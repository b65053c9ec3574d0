import SecretMemory
import SourceProtocol

/// Runs a program that prints the value.
struct CommandDriver: SecretDriver {
    static let name = "command"
    static let options = [
        DriverOption("command", "the program and its arguments", isRequired: true),
    ]

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        throw SourceError("not there yet")
    }
}
