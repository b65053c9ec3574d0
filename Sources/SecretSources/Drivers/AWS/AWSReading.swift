import JSON
import SecretMemory
import SourceProtocol

/// What both drivers do: they ask a service for one thing with the keys that are found.
struct AWSReading {
    static let options = [
        DriverOption("region", "the region", otherwise: "that of the ARN, of `AWS_REGION`, of the profile, or of the machine"),
        DriverOption("profile", "a profile of the AWS command line's files", otherwise: "`AWS_PROFILE`, or `default`"),
        DriverOption("endpoint", "another address of the service", otherwise: "AWS's own in the region"),
        .certificates, .timeout,
    ]

    private let service: AWSService
    private let credentials: AWSCredentials
    private let subject: String

    init(_ name: AWSService.Name, of subject: String, arn: String, for request: SourceRequest) throws(SourceError) {
        self.subject = subject
        let profiles = try AWSProfiles(request)
        let region = try AWSRegion.find(for: request, arn: arn, profiles)
        service = try AWSService(name, in: region, for: request, profiles)
        credentials = try AWSCredentialChain.credentials(for: request, in: region, profiles)
    }

    /// - Returns: the answer's body.
    func call(_ target: String, _ question: some Encodable, permission: String) throws(SourceError) -> SecretBytes {
        let body: [UInt8]
        do {
            body = try JSON.encode(question)
        } catch {
            throw SourceError("the driver's options can't be written as JSON")
        }
        let response = try service.call(target, body, with: credentials)
        guard response.isSuccess else {
            throw AWSErrorCode(of: response)?.error(
                subject, in: service, with: credentials.origin, permission: permission, clock: response.clockRemedy)
                ?? response.failure(of: service.address)
        }
        return response.body
    }

    /// An answer that is none.
    var nonsense: SourceError {
        SourceError("\(service.address.origin): answers what AWS never would", remedy: "check the endpoint")
    }
}
