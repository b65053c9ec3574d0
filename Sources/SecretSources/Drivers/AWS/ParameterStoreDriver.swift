import SecretMemory
import SourceProtocol

/// The parameter store of AWS Systems Manager (`GetParameter`, decrypted).
struct ParameterStoreDriver: SecretDriver {
    static let name = "aws-ssm"
    static let options = [
        DriverOption("name", "the parameter's name or ARN", isRequired: true),
        DriverOption("version", "the number, or the label, of the version to take", otherwise: "the newest"),
        .field,
    ] + AWSReading.options

    private struct Question: Encodable {
        let Name: String
        let WithDecryption: Bool
    }

    func fetch(_ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let name = request.required("name")
        let subject = "parameter '\(name)'"
        let question = Question(Name: name + (request.option("version").map { ":" + $0 } ?? ""), WithDecryption: true)
        let reading = try AWSReading(.systemsManager, of: subject, arn: name, for: request)
        let answer = try reading.call("AmazonSSM.GetParameter", question, permission: "ssm:GetParameter")
        guard let value = SecretJSON.answer(["Parameter", "Value"], in: answer) else { throw reading.nonsense }
        return try SecretField.pick(request.option("field"), of: value, "the \(subject)")
    }
}
