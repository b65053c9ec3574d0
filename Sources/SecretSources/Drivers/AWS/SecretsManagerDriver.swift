import SecretMemory
import SourceProtocol

/// AWS Secrets Manager (`GetSecretValue`).
struct SecretsManagerDriver: SecretDriver {
    static let name = "aws-secrets-manager"
    static let options = [
        DriverOption("secret-id", "the secret's name or ARN", isRequired: true),
        DriverOption("version-stage", "the label of the version to take", otherwise: "`AWSCURRENT`"),
        DriverOption("version-id", "the version to take"),
        .field,
    ] + AWSReading.options

    private struct Question: Encodable {
        let SecretId: String
        let VersionStage: String?
        let VersionId: String?
    }

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let secret = request.required("secret-id")
        let subject = "secret '\(secret)'"
        let question = Question(SecretId: secret, VersionStage: request.option("version-stage"), VersionId: request.option("version-id"))
        let reading = try AWSReading(.secretsManager, of: subject, arn: secret, for: request)
        let answer = try reading.call("secretsmanager.GetSecretValue", question, permission: "secretsmanager:GetSecretValue")
        if let text = SecretJSON.answer(["SecretString"], in: answer) {
            return try SecretField.pick(request.option("field"), of: text, "the \(subject)")
        }
        guard let encoded = SecretJSON.answer(["SecretBinary"], in: answer), let bytes = try SecretBase64.decode(encoded) else {
            throw reading.nonsense
        }
        return try SecretField.pick(request.option("field"), of: bytes, "the \(subject)")
    }
}
