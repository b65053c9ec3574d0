import SecretMemory
import SourceProtocol

/// An engine that keeps fields below paths. Version 2 keeps versions of them, below other addresses.
struct KeyValueEngine {
    let server: VaultServer
    let token: AccessToken
    let mount: String

    /// Which version it is, as the server tells to whoever may read something in it.
    func version() throws(SourceError) -> Int {
        let response = try server.get("sys/internal/ui/mounts/" + mount, token)
        guard response.isSuccess else {
            let error = server.problem(response, "the mount '\(mount)'", token)
            // What the token may not see is told from what isn't there by nobody.
            guard [400, 403, 404].contains(response.status) else { throw error }
            throw SourceError(error.reason, remedy: "check 'mount' and the namespace, and that the token is valid; or say which version it is with 'kv-version'")
        }
        guard let type = SecretJSON.answer(["data", "type"], in: response.body) else { throw unintelligible }
        guard ["kv", "generic"].contains(where: { type.equals($0) }) else {
            throw SourceError("\(server.address.origin): the mount '\(mount)' is not a key/value engine", remedy: "correct 'mount'")
        }
        return SecretJSON.answer(["data", "options", "version"], in: response.body)?.equals("2") == true ? 2 : 1
    }

    /// Reads a field from an engine of version 1.
    func readUnversioned(_ path: String, _ request: SourceRequest) throws(SourceError) -> SecretBytes {
        guard request.option("version") == nil else {
            throw SourceError(mistake: "the mount '\(mount)' keeps no versions", remedy: "leave 'version' out")
        }
        let response = try server.get("\(mount)/\(path)", token)
        guard response.isSuccess else { throw server.problem(response, "'\(mount)/\(path)'", token) }
        return try field(["data"], of: response.body, path, request)
    }

    /// Reads a field from an engine of version 2.
    func read(_ path: String, _ request: SourceRequest) throws(SourceError) -> SecretBytes {
        let version = request.option("version")
        if let version, UInt32(version) ?? 0 == 0 {
            throw SourceError(mistake: "the driver option 'version' can't be '\(version)'", remedy: "give a number from 1 on")
        }
        let response = try server.get("\(mount)/data/\(path)", query: version.map { "?version=\($0)" } ?? "", token)
        guard response.isSuccess else {
            // A version that is gone leaves what is known of it behind.
            if response.status == 404, isObject(["data", "metadata"], in: response.body) {
                throw SourceError(
                    "\(server.address.origin): \(version.map { "version \($0)" } ?? "the newest version") of '\(mount)/\(path)' is deleted or destroyed",
                    remedy: "undelete it, write a new one, or name another 'version'")
            }
            throw hint(path, response) ?? server.problem(response, "'\(mount)/\(path)'\(version.map { ", version \($0)" } ?? "")", token)
        }
        return try field(["data", "data"], of: response.body, path, request)
    }

    /// Two mistakes that many make.
    private func hint(_ path: String, _ response: borrowing HTTPResponse) -> SourceError? {
        guard [403, 404].contains(response.status) else { return nil }
        for (prefix, name) in [("data/", "'data/', which is a part of the API's address only,"), (mount + "/", "the mount")] where path.hasPrefix(prefix) {
            return SourceError(server.problem(response, "'\(mount)/\(path)'", token).reason, remedy: "leave \(name) out of 'path'")
        }
        return nil
    }

    private func field(
        _ place: [String], of answer: borrowing SecretBytes, _ path: String, _ request: SourceRequest
    ) throws(SourceError) -> SecretBytes {
        guard let names = names(place, in: answer) else { throw unintelligible }
        let subject = "'\(mount)/\(path)'"
        let field: String
        if let given = request.option("field") {
            field = given
        } else {
            guard names.count == 1 else {
                throw SourceError(
                    mistake: names.isEmpty ? "\(subject) has no fields" : "\(subject) has several fields",
                    remedy: names.isEmpty ? "write one" : "say which one with 'field': \(SecretField.list(names))")
            }
            field = names[0]
        }
        guard names.contains(field) else {
            throw SourceError(
                "\(subject) has no field '\(field)'", remedy: names.isEmpty ? "it has none at all" : "its fields are: \(SecretField.list(names))")
        }
        let value: SecretBytes?
        do {
            value = try SecretJSON.text(at: place + [field], in: answer)
        } catch {
            throw unintelligible
        }
        guard let value else { throw SourceError("the field '\(field)' of \(subject) is null", remedy: "give it a value") }
        return value
    }

    private func names(_ place: [String], in answer: borrowing SecretBytes) -> [String]? {
        do {
            return try SecretJSON.names(at: place, in: answer)
        } catch {
            return nil
        }
    }

    private func isObject(_ place: [String], in answer: borrowing SecretBytes) -> Bool {
        do {
            return try SecretJSON.kind(at: place, in: answer) == .object
        } catch {
            return false
        }
    }

    private var unintelligible: SourceError {
        SourceError("\(server.address.origin): answers what Vault never would", remedy: "check the address; a proxy may stand in front of it")
    }
}

extension SecretBytes {
    /// Whether the bytes are those of a text that is no secret.
    fileprivate borrowing func equals(_ text: String) -> Bool {
        withUnsafeBytes { $0.elementsEqual(text.utf8) }
    }
}
