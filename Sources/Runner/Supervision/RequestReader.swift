import Glibc
import JSON
import Linux

/// The limits of the control protocol.
enum ControlLimits {
    /// In bytes: one message's JSON.
    static let message = 16 << 20
    /// The values in it: a small one takes some twenty times its bytes of memory.
    static let values = 1 << 20
    /// In bytes: all payloads of one message.
    static let payload = 64 << 20
    /// In bytes: one secret or config, Swarm's limit.
    static let secret = 500 * 1024
    /// Of one message.
    static let descriptors = 4
    /// Connections at a time.
    static let clients = 64
    /// In bytes: what waits for a client that does not read.
    static let outgoing = 8 << 20
    /// In milliseconds: how long a message may take to arrive.
    static let patience: Int64 = 30_000
}

/// Reads requests from a client, bit by bit, as they arrive.
///
/// It reads exactly as far as the JSON goes before it reads on into a ``LockedBuffer``, so that no byte of a
/// secret ever lands in ordinary memory.
struct RequestReader {
    enum Outcome {
        case request(ControlRequest, payload: LockedBuffer?)
        /// Well framed, but not a request that can be served. The connection goes on.
        case refused(reason: String)
        /// More has to arrive first.
        case incomplete
        /// The client is gone.
        case closed
        /// The stream cannot be followed any further.
        case broken(reason: String)
    }

    private enum State {
        case header([UInt8])
        case message([UInt8], length: Int)
        case payload(ControlRequest, LockedBuffer, filled: Int)
    }

    private var state = State.header([])
    /// What has come with the message that is being read.
    private var descriptors = PassedDescriptors()

    /// The descriptors that came with the request that was just read.
    mutating func takeDescriptors() -> PassedDescriptors {
        defer { descriptors = PassedDescriptors() }
        return descriptors
    }

    /// Whether a message has begun to arrive.
    var isInsideMessage: Bool {
        if case .header(let bytes) = state { return !bytes.isEmpty }
        return true
    }

    /// Reads what is there, up to the end of one request.
    mutating func read(from socket: Int32) -> Outcome {
        while true {
            switch state {
            case .header(var bytes):
                if bytes.isEmpty { descriptors = PassedDescriptors() }
                switch append(4 - bytes.count, to: &bytes, from: socket) {
                case .nothing: return .incomplete
                case .end: return .closed
                case .tooMany: return .broken(reason: Self.tooManyDescriptors)
                case .some: break
                }
                state = .header(bytes)
                guard bytes.count == 4 else { continue }
                let length = bytes.reduce(0) { $0 << 8 | Int($1) }
                guard (2...ControlLimits.message).contains(length) else {
                    return .broken(reason: "a message has 2 to \(ControlLimits.message) bytes")
                }
                state = .message([], length: length)
            case .message(var bytes, let length):
                state = .header([])
                switch append(min(length - bytes.count, 256 * 1024), to: &bytes, from: socket) {
                case .nothing:
                    state = .message(bytes, length: length)
                    return .incomplete
                case .end: return .closed
                case .tooMany: return .broken(reason: Self.tooManyDescriptors)
                case .some: break
                }
                guard bytes.count == length else {
                    state = .message(bytes, length: length)
                    continue
                }
                if let outcome = interpret(bytes) { return outcome }
            case .payload(let request, let buffer, let filled):
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[filled...])
                let count = recv(socket, part.baseAddress, part.count, Int32(MSG_DONTWAIT))
                if count == 0 { return .closed }
                if count < 0 {
                    if errno == EINTR { continue }
                    return errno == EAGAIN ? .incomplete : .closed
                }
                if filled + count == buffer.count {
                    state = .header([])
                    return .request(request, payload: buffer)
                }
                state = .payload(request, buffer, filled: filled + count)
            }
        }
    }

    /// What a complete JSON part means; nil where its payload has to arrive first.
    private mutating func interpret(_ bytes: [UInt8]) -> Outcome? {
        let message: JSONValue
        do {
            message = try JSONValue.parse(bytes, depthLimit: 32, valueLimit: ControlLimits.values)
        } catch {
            return .broken(reason: "the message is no JSON: \(error)")
        }
        guard case .object(let members) = message else { return .broken(reason: "the message is no JSON object") }
        var payload = 0
        if let member = members.first(where: { $0.name == "payload" }) {
            guard case .integer(let length) = member.value, (0...Int64(ControlLimits.payload)).contains(length) else {
                return .broken(reason: "the payloads of a message have at most \(ControlLimits.payload) bytes together")
            }
            payload = Int(length)
        }
        do {
            if let stranger = members.first(where: { !ControlRequest.knows(member: $0.name) }) {
                throw SupervisionError.refused("a request has no member '\(stranger.name.prefix(40))'")
            }
            let request = try ControlRequest(json: message)
            try Self.check(request, payload: payload, descriptors: descriptors.numbers.count)
            if payload == 0 { return .request(request, payload: nil) }
            state = .payload(request, try LockedBuffer(count: payload), filled: 0)
            return nil
        } catch {
            let reason = Self.reason(error)
            // What follows is secret bytes that nobody has asked for.
            return payload == 0 ? .refused(reason: reason) : .broken(reason: reason)
        }
    }

    private static func check(_ request: ControlRequest, payload: Int, descriptors: Int) throws(SupervisionError) {
        var announced = 0
        var wanted = 0
        if case .apply(let deployment) = request {
            wanted = deployment.caller?.descriptorCount ?? 0
            for part in deployment.payloads {
                guard (0...ControlLimits.secret).contains(part.length) else {
                    throw .refused("a secret or config has at most \(ControlLimits.secret / 1024) KiB")
                }
                announced += part.length
            }
        }
        guard wanted == descriptors else { throw .refused("the message comes with \(descriptors) descriptors, and needs \(wanted)") }
        guard announced == payload else {
            throw .refused("the message announces \(payload) bytes of payload and lists \(announced)")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case SupervisionError.refused(let reason): return reason
        case let error as SupervisionError: return error.description
        case let error as SystemCallError: return error.description
        case let error as DecodingError:
            let path: [any CodingKey] = switch error {
            case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context): context.codingPath
            case .keyNotFound(let key, let context): context.codingPath + [key]
            @unknown default: []
            }
            return "the request is not understood at '\(path.map(\.stringValue).joined(separator: "."))'"
        default: return "the request is not understood"
        }
    }

    private static let tooManyDescriptors = "a message has at most \(ControlLimits.descriptors) descriptors"

    private enum Arrival {
        case some, nothing, end, tooMany
    }

    /// Reads up to `count` bytes of what is no secret.
    private func append(_ count: Int, to bytes: inout [UInt8], from socket: Int32) -> Arrival {
        var received = 0
        var overflow = false
        var code: Int32 = 0
        bytes += [UInt8](unsafeUninitializedCapacity: count) { memory, filled in
            repeat {
                let part = UnsafeMutableRawBufferPointer(start: memory.baseAddress, count: count)
                (received, overflow) = descriptors.receive(part, from: socket)
                code = errno
            } while received < 0 && code == EINTR
            filled = max(received, 0)
        }
        if received > 0 { return overflow ? .tooMany : .some }
        return received < 0 && code == EAGAIN ? .nothing : .end
    }
}
