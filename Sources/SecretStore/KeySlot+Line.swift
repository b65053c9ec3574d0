/// A slot as a line of the header.
extension KeySlot {
    var line: String {
        let parameters = parameterText
        let fields = ["slot", kindName, identifier.hexadecimal] + [publicKey, sealedKeys, boxedDataKeys].map(hexadecimal)
        return (fields + (parameters.isEmpty ? [] : [parameters])).joined(separator: " ")
    }

    private var parameterText: String {
        switch kind {
        case .keyFile(let key): "key=\(key.hexadecimal)"
        case .passphrase(let parameters): parameters.text
        case .command: ""
        case .unknown(_, let parameters): parameters
        }
    }

    /// Nil where the line isn't what `line` writes, or a parameter is beyond what can be meant.
    init?(line: String) {
        let fields = line.fields(separatedBy: " ", atMost: 7)
        guard fields.count >= 6, fields[0] == "slot", !fields[1].isEmpty, let identifier = Identifier(hexadecimal: fields[2]),
            let publicKey = bytes(hexadecimal: fields[3]), publicKey.count == Self.keyCount,
            let sealedKeys = bytes(hexadecimal: fields[4]), let boxedDataKeys = bytes(hexadecimal: fields[5])
        else { return nil }
        let parameters = fields.count == 7 ? String(fields[6]) : ""
        switch fields[1] {
        case "keyfile":
            guard parameters.hasPrefix("key="), let key = Identifier(hexadecimal: parameters.dropFirst(4)) else { return nil }
            kind = .keyFile(key: key)
        case "passphrase":
            guard let parameters = PassphraseParameters(text: parameters) else { return nil }
            kind = .passphrase(parameters)
        case "command":
            guard fields.count == 6 else { return nil }
            kind = .command
        default:
            kind = .unknown(name: String(fields[1]), parameters: parameters)
        }
        self.identifier = identifier
        self.publicKey = publicKey
        self.sealedKeys = sealedKeys
        self.boxedDataKeys = boxedDataKeys
    }
}
