import CSodium
import Linux
import SecretMemory

/// What a sealed text is, so that it opens as that and as nothing else.
///
/// All of it is authenticated but none of it is stored: the reader knows what it expects. An object
/// put in another's place, or taken from another store, therefore does not open.
package struct Binding: Equatable {
    /// What the sealed bytes mean. The numbers are part of the format.
    package enum Kind: UInt8 {
        case indexOfFormat1 = 1
        case secretValue = 2
        case stackRecord = 3
        /// In the key-file slot of format 1.
        case dataKey = 4
        case index = 5
        case logEntry = 6
        /// A slot's private key with the sender's public key.
        case slotKeys = 7
        case backupChunk = 8
        case keyRing = 9
    }

    let store: Identifier
    let object: Identifier
    let kind: Kind

    package init(store: Identifier, object: Identifier, kind: Kind) {
        self.store = store
        self.object = object
        self.kind = kind
    }

    /// The index is one of its kind, so it needs no name.
    static func index(of store: Identifier, format: StoreFormat) -> Binding {
        Binding(store: store, object: Identifier(0), kind: format == .one ? .indexOfFormat1 : .index)
    }

    static func keyRing(of store: Identifier) -> Binding {
        Binding(store: store, object: Identifier(0), kind: .keyRing)
    }

    static func logEntry(_ sequence: UInt64, of store: Identifier) -> Binding {
        Binding(store: store, object: Identifier(UInt128(sequence)), kind: .logEntry)
    }

    /// The associated data: format, kind, store, object; every field has a fixed width.
    var associatedData: [UInt8] {
        var bytes = Array("stackup store 1\n".utf8)
        bytes.append(kind.rawValue)
        bytes.append(littleEndian: store.value)
        bytes.append(littleEndian: object.value)
        return bytes
    }
}

/// XChaCha20-Poly1305: a sealed text is a random nonce, then the ciphertext, then the tag.
///
/// The nonce has 192 bits, so a random one is never used twice under a key, however many objects
/// there are, and no counter has to survive a crash.
package enum Sealing {
    package static let keyCount = 32
    package static let nonceCount = 24
    static let tagCount = 16
    /// How many bytes longer a sealed text is than the plain one.
    package static let overhead = nonceCount + tagCount

    package static func seal(
        _ plaintext: UnsafeRawBufferPointer, under key: borrowing SecretBytes, as binding: Binding
    ) -> [UInt8] {
        let associatedData = binding.associatedData
        return key.withUnsafeBytes { key in
            [UInt8](unsafeUninitializedCapacity: plaintext.count + overhead) { sealed, count in
                let nonce = sealed.baseAddress!
                randombytes_buf(nonce, nonceCount)
                crypto_aead_xchacha20poly1305_ietf_encrypt(
                    nonce + nonceCount, nil,
                    plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt64(plaintext.count),
                    associatedData, UInt64(associatedData.count), nil,
                    nonce, key.baseAddress!.assumingMemoryBound(to: UInt8.self))
                count = plaintext.count + overhead
            }
        }
    }

    /// Opens a sealed text into memory of exactly its size; false, and no plaintext, where anything is amiss.
    private static func open(
        _ sealed: UnsafeRawBufferPointer, under key: borrowing SecretBytes, as binding: Binding,
        into plaintext: UnsafeMutableRawBufferPointer
    ) -> Bool {
        guard sealed.count == plaintext.count + overhead else { return false }
        let associatedData = binding.associatedData
        let nonce = sealed.baseAddress!.assumingMemoryBound(to: UInt8.self)
        return key.withUnsafeBytes { key in
            crypto_aead_xchacha20poly1305_ietf_decrypt(
                plaintext.baseAddress?.assumingMemoryBound(to: UInt8.self), nil, nil,
                nonce + nonceCount, UInt64(sealed.count - nonceCount),
                associatedData, UInt64(associatedData.count),
                nonce, key.baseAddress!.assumingMemoryBound(to: UInt8.self)) == 0
        }
    }

    /// Opens a secret's value or a key into guarded memory; nil where the seal does not hold.
    static func openGuarded(
        _ sealed: [UInt8], under key: borrowing SecretBytes, as binding: Binding
    ) throws(SystemCallError) -> SecretBytes? {
        guard sealed.count >= overhead else { return nil }
        var plaintext = try SecretBytes(count: sealed.count - overhead)
        let opened = plaintext.withUnsafeMutableBytes { plaintext in
            sealed.withUnsafeBytes { open($0, under: key, as: binding, into: plaintext) }
        }
        guard opened else { return nil }
        return plaintext
    }

    /// Opens names and records, which need no guarded memory; nil where the seal does not hold.
    ///
    /// A part of a larger content is opened where it lies.
    static func open(_ sealed: ArraySlice<UInt8>, under key: borrowing SecretBytes, as binding: Binding) -> [UInt8]? {
        guard sealed.count >= overhead else { return nil }
        var opened = false
        let plaintext = [UInt8](unsafeUninitializedCapacity: sealed.count - overhead) { plaintext, count in
            opened = sealed.withUnsafeBytes {
                open($0, under: key, as: binding, into: UnsafeMutableRawBufferPointer(plaintext))
            }
            count = opened ? sealed.count - overhead : 0
        }
        return opened ? plaintext : nil
    }
}
