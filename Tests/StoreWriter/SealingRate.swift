import CSodium
import Glibc
import SecretMemory
import SecretStore

/// How fast the store seals the largest values that it takes, and how fast libsodium does the same into memory that is there already.
struct SealingRate {
    private let count = SecretStore.valueLimit
    private let rounds = 400

    /// Both in turn, so that a busy machine is busy for both, and each as often first, since who comes second finds the value in the cache: megabytes in a second, the store's first.
    func measure() throws -> (store: Double, libsodium: Double) {
        let value = try SecretBytes(count: count), key = try SecretBytes(count: Sealing.keyCount)
        let binding = Binding(store: .random(), object: .random(), kind: .secretValue)
        var output = [UInt8](repeating: 0, count: count + Sealing.overhead)
        var times = (store: Duration.zero, libsodium: Duration.zero)
        let clock = ContinuousClock()
        var sum = 0
        for round in 0..<rounds {
            for turn in 0..<2 {
                if (round + turn).isMultiple(of: 2) {
                    times.store += clock.measure { sum += value.withUnsafeBytes { Sealing.seal($0, under: key, as: binding) }.count }
                } else {
                    times.libsodium += clock.measure { sum += Int(Self.encrypt(value, under: key, into: &output)) }
                }
            }
        }
        precondition(sum == rounds * (2 * count + Sealing.overhead + 16))
        func rate(_ time: Duration) -> Double { Double(rounds * count) / 1e6 / (Double(time.components.attoseconds) / 1e18 + Double(time.components.seconds)) }
        return (rate(times.store), rate(times.libsodium))
    }

    private static func encrypt(_ value: borrowing SecretBytes, under key: borrowing SecretBytes, into output: inout [UInt8]) -> UInt64 {
        var length: UInt64 = 0
        value.withUnsafeBytes { value in
            key.withUnsafeBytes { key in
                output.withUnsafeMutableBufferPointer { output in
                    let nonce = output.baseAddress!
                    randombytes_buf(nonce, Sealing.nonceCount)
                    _ = crypto_aead_xchacha20poly1305_ietf_encrypt(
                        nonce + Sealing.nonceCount, &length, value.baseAddress!.assumingMemoryBound(to: UInt8.self), UInt64(value.count),
                        nil, 0, nil, nonce, key.baseAddress!.assumingMemoryBound(to: UInt8.self))
                }
            }
        }
        return length
    }
}
