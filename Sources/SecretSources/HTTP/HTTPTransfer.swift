import CCurl
import Glibc
import Linux
import SecretMemory
import SourceProtocol

/// What one try receives.
final class HTTPTransfer {
    /// The largest answer in bytes.
    private static let limit = 1 << 20
    /// The headers that are looked at. No others are kept: they may be anything.
    private static let keptHeaders: Set<String> = ["date", "retry-after"]

    private var bytes: SecretBuffer
    private(set) var headers: [String: String] = [:]
    /// Why this end broke the transfer off.
    private(set) var refusal: SourceError?

    init() throws(SourceError) {
        bytes = try SecretBuffer(capacity: 4096)
    }

    /// Has a handle's answer sent here.
    func receive(from handle: borrowing CurlHandle) throws(SourceError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        try handle.check(ccurl_set_body_receiver(handle.pointer, { bytes, _, count, context in
            Unmanaged<HTTPTransfer>.fromOpaque(context!).takeUnretainedValue()
                .append(UnsafeRawBufferPointer(start: bytes, count: count))
        }, context))
        try handle.check(ccurl_set_header_receiver(handle.pointer, { bytes, size, count, context in
            Unmanaged<HTTPTransfer>.fromOpaque(context!).takeUnretainedValue()
                .header(UnsafeRawBufferPointer(start: bytes, count: size * count))
            return size * count
        }, context))
    }

    /// The body, whole.
    func body() throws(SourceError) -> SecretBytes {
        try bytes.bytes()
    }

    /// - Returns: what libcurl takes for success, the number of bytes, or anything else to end the transfer.
    private func append(_ more: UnsafeRawBufferPointer) -> Int {
        do throws(SourceError) {
            guard bytes.count + more.count <= Self.limit else {
                throw SourceError("the answer is larger than \(Self.limit >> 20) MiB", remedy: "check the address; no secret is that large")
            }
            try bytes.append(more)
            return more.count
        } catch {
            refusal = error
            return 0
        }
    }

    private func header(_ line: UnsafeRawBufferPointer) {
        // The headers of an answer that was not the last one (100 Continue) come here too.
        if line.starts(with: "HTTP/".utf8) { headers = [:] }
        guard line.count < 200, let colon = line.firstIndex(of: UInt8(ascii: ":")) else { return }
        let name = String(decoding: line[..<colon], as: UTF8.self).lowercased()
        guard Self.keptHeaders.contains(name) else { return }
        let value = line[(colon + 1)...].split { $0 <= 0x20 }.map { String(decoding: $0, as: UTF8.self) }
        headers[name] = value.joined(separator: " ")
    }
}
