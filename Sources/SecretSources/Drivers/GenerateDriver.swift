import SecretMemory
import SourceProtocol

/// Makes a new value: a password, a key, an identifier.
struct GenerateDriver: SecretDriver {
    static let name = GeneratorSpec.driver
    static let options = [
        DriverOption("spec", "what to make: `kind[:length][,alphabet=CHARACTERS]`, such as `password:40` or `ed25519`", isRequired: true),
    ]

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        try Generator.value(of: try GeneratorSpec(request.options["spec"] ?? ""))
    }
}
