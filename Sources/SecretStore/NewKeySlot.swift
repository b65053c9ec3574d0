import Linux
import SecretMemory

/// A key slot to make.
public enum NewKeySlot: ~Copyable {
    /// With the key file at a path, which is made where it is missing.
    case keyFile(String)
    /// With a passphrase, which `passphraseProblem` has no objection to.
    case passphrase(SecretBytes, PassphraseCost)
    /// With what a program prints; its absolute path and its arguments.
    case command([String])
}

/// A slot to make, with its unlocking key at hand.
struct PreparedSlot: ~Copyable {
    let identifier: Identifier
    let kind: KeySlot.Kind
    let unlockingKey: SecretBytes
    let note: SlotNote?

    /// Makes or reads the key file, computes with the passphrase, or runs the command.
    init(_ slot: consuming NewKeySlot, for location: StoreLocation) throws(StoreError) {
        switch consume slot {
        case .keyFile(let path): try self.init(keyFile: path, isDefault: path == location.keyFile)
        case .passphrase(let passphrase, let cost): try self.init(passphrase: passphrase, cost)
        case .command(let words): try self.init(command: words)
        }
    }

    private init(keyFile path: String, isDefault: Bool) throws(StoreError) {
        do {
            unlockingKey = try KeyFile.readOrCreate(path)
        } catch .malformedKey(_, let problem) {
            throw .invalid("\(path): not a key: \(problem); move it away, and a new one is made")
        }
        identifier = .random()
        kind = .keyFile(key: Identifier(ofKey: unlockingKey))
        note = isDefault ? nil : .keyFile(path)
    }

    private init(passphrase: consuming SecretBytes, _ cost: PassphraseCost) throws(StoreError) {
        if let problem = passphraseProblem(passphrase) { throw .invalid(problem) }
        let parameters = PassphraseParameters(cost)
        do {
            unlockingKey = try parameters.unlockingKey(from: passphrase)
        } catch {
            throw .system(doing: "make a key of the passphrase", error)
        }
        identifier = .random()
        kind = .passphrase(parameters)
        note = nil
    }

    private init(command words: [String]) throws(StoreError) {
        let identifier = Identifier.random()
        do {
            let output = try KeyCommand.output(of: words)
            // One that prints something new each time would never open the slot again.
            guard output.equalsInConstantTime(try KeyCommand.output(of: words)) else {
                throw KeyCommandError("\(words[0]) printed two different keys when run twice")
            }
            unlockingKey = try KeyCommand.unlockingKey(from: output, slot: identifier)
        } catch let error as KeyCommandError {
            throw .invalid(error.description)
        } catch {
            throw .system(doing: "make a key of the command's output", error as! SystemCallError)
        }
        self.identifier = identifier
        kind = .command
        note = .command(words)
    }

    /// What to call the slot's kind.
    var kindName: String { KeySlot.name(of: kind) }

    /// The slot as the header has it.
    borrowing func slot(
        holding dataKeys: borrowing DataKeys, sender: KeyRing, store: Identifier
    ) throws(SystemCallError) -> KeySlot {
        try KeySlot.make(
            kind, identifier: identifier, unlockingKey: unlockingKey, dataKeys: dataKeys, sender: sender, store: store)
    }
}
