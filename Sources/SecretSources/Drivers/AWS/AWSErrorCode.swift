import SecretMemory
import SourceProtocol

/// What AWS says went wrong, in the codes that are known; their texts are never looked at.
enum AWSErrorCode: Sendable {
    case missing
    case denied
    case undecryptable
    case unusable
    case badRequest
    case refusedKeys
    case refusedSignature
    case expired
    case busy

    var isTransient: Bool { self == .busy }

    /// The code in an answer: JSON's `__type`, or `<Code>` of XML; nil where there is none that is known.
    init?(of response: borrowing HTTPResponse) {
        guard !response.isSuccess else { return nil }
        guard let code = Self.code(in: response.body) else { return nil }
        // It may have the name of a namespace before it.
        let name = code.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }.split(separator: "#").last ?? ""
        guard let known = Self.codes[String(name)] else { return nil }
        self = known
    }

    private static func code(in body: borrowing SecretBytes) -> SecretBytes? {
        if let code = SecretJSON.answer(["__type"], in: body) { return code }
        do {
            return try SecretXML.text(of: "Code", in: body)
        } catch {
            return nil
        }
    }

    private static let codes: [String: AWSErrorCode] = [
        "ResourceNotFoundException": .missing, "ParameterNotFound": .missing, "ParameterVersionNotFound": .missing,
        "AccessDeniedException": .denied, "AccessDenied": .denied, "NotAuthorized": .denied, "UnauthorizedOperation": .denied,
        "DecryptionFailure": .undecryptable, "InvalidKeyId": .undecryptable, "KMSAccessDeniedException": .undecryptable,
        "InvalidRequestException": .unusable,
        "InvalidParameterException": .badRequest, "ValidationException": .badRequest, "ValidationError": .badRequest,
        "UnrecognizedClientException": .refusedKeys, "InvalidClientTokenId": .refusedKeys, "InvalidAccessKeyId": .refusedKeys,
        "MissingAuthenticationToken": .refusedKeys, "MissingAuthenticationTokenException": .refusedKeys, "InvalidIdentityToken": .refusedKeys,
        "IDPRejectedClaim": .refusedKeys, "OptInRequired": .refusedKeys,
        "InvalidSignatureException": .refusedSignature, "SignatureDoesNotMatch": .refusedSignature,
        "IncompleteSignature": .refusedSignature, "IncompleteSignatureException": .refusedSignature,
        "RequestExpired": .refusedSignature, "RequestTimeTooSkewed": .refusedSignature,
        "ExpiredToken": .expired, "ExpiredTokenException": .expired,
        "Throttling": .busy, "ThrottlingException": .busy, "TooManyRequestsException": .busy, "RequestLimitExceeded": .busy,
        "InternalServiceError": .busy, "InternalServerError": .busy, "InternalFailure": .busy, "ServiceUnavailable": .busy,
        "ServiceUnavailableException": .busy, "IDPCommunicationError": .busy,
    ]

    /// An error for a person.
    ///
    /// - Parameters:
    ///   - subject: what was asked for: `the secret 'x'`.
    ///   - origin: of the credentials.
    ///   - permission: what allows it.
    ///   - clock: ``HTTPResponse/clockRemedy``.
    func error(
        _ subject: String, in service: AWSService, with origin: String, permission: String, clock: String?
    ) -> SourceError {
        let place = "AWS (\(service.region))"
        let credentials = "the keys from \(origin)"
        return switch self {
        case .missing:
            SourceError("\(place) has no \(subject), or not that version of it", remedy: "check the name, the region and the account")
        case .denied:
            SourceError("\(place) doesn't let \(credentials) read \(subject)", remedy: "allow \(permission)")
        case .undecryptable:
            SourceError("\(place) can't decrypt \(subject) for \(credentials)", remedy: "allow kms:Decrypt with its key, and see that the key is enabled")
        case .unusable:
            SourceError("\(place) doesn't give out \(subject)", remedy: "see whether it is about to be deleted, or has no value yet")
        case .badRequest:
            SourceError("\(place) takes no such request for \(subject)", remedy: "check the driver's options")
        case .refusedKeys:
            SourceError("\(place) doesn't know \(credentials)", remedy: "check the keys; they may have been removed, or belong to another partition")
        case .refusedSignature:
            SourceError(
                "\(place) refuses the signature made with \(credentials)",
                remedy: clock ?? "check that the secret access key belongs to the access key, and the region")
        case .expired:
            SourceError("\(credentials) have expired", remedy: clock ?? "get new ones")
        case .busy:
            SourceError("\(place) can't answer at the moment", remedy: "try again later", isTransient: true)
        }
    }
}
