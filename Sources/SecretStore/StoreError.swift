import Linux

/// Why the store refused something, written for a person. No case ever holds a value or a key.
public enum StoreError: Error, Equatable, Sendable {
    case noSuchSecret(String)
    case noSuchVersion(secret: String, version: Int)
    case secretExists(String)
    /// The store is the only place of the secret's value.
    case sealed(String)
    /// Someone else stored a version since the caller looked.
    case versionConflict(secret: String, expected: Int, found: Int)
    /// A name, label, size or the like that the store doesn't take; the text says which and why.
    case invalid(String)
    /// A file of the store is not what was written: changed, cut short, swapped or gone.
    case damaged(file: String, what: Damage)
    /// A backup is not what was written: changed, cut short, or something else altogether.
    case damagedBackup(file: String)
    /// The key file is sound, but it is not the key of this store.
    case foreignKey(keyFile: String, header: String)
    /// The store is there, its key is not.
    case keyMissing(keyFile: String, directory: String)
    /// Nothing at hand opens the store; what was tried without success.
    case locked(directory: String, failures: [String])
    /// Nothing at hand opens a backup; what was tried without success, and whether it has slots that open with a passphrase.
    case lockedBackup(file: String, failures: [String], takesPassphrase: Bool)
    /// Another command has put another store, or other key slots, into its place since it was opened.
    case replaced(directory: String)
    /// The header isn't the newest that the store wrote.
    case changedHeader(file: String)
    /// The key file is no key.
    case malformedKey(keyFile: String, problem: String)
    /// Someone else owns a file or folder, or could read or replace it.
    case exposed(path: String, problem: String, remedy: String)
    /// There is no store, but what is kept apart of one.
    case lost(directory: String, head: String)
    /// The store is older than what is kept apart of its newest state.
    case rolledBack(directory: String, head: String)
    /// A later stackup wrote this store.
    case newerFormat(file: String)
    /// Another command held the store's lock all the time.
    case busy(directory: String, seconds: Int)
    case system(doing: String, SystemCallError)

    /// How a file fails to be what was written.
    public enum Damage: Sendable, Equatable {
        /// The seal doesn't hold: a bit is flipped, bytes are missing, or it is another object.
        case broken
        case missing
        /// It opened, so this store's key sealed it, but it can't be understood.
        case malformed
    }
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .noSuchSecret(let name):
            "no such secret: \(name)"
        case .noSuchVersion(let secret, let version):
            "secret '\(secret)' has no version \(version)"
        case .secretExists(let name):
            "secret '\(name)' already exists; give it a new value with: stackup secret update \(name) FILE"
        case .sealed(let name):
            "secret '\(name)' is sealed: the store is the only place of its value, and with the store's copy its value would be lost; "
                + "keep it with: stackup secret export \(name) -o FILE; or remove it for good with --force"
        case .versionConflict(let secret, let expected, let found):
            "secret '\(secret)' has changed meanwhile: version \(expected) was expected to be the newest, "
                + "it is \(found); run the command again"
        case .invalid(let problem):
            problem
        case .damaged(let file, _) where AuditLog.isFileName(Paths.lastComponent(of: file)):
            "\(file): the audit log is damaged or gone; restore it from a backup, or, to go on with a new one, run: "
                + "stackup store verify --accept"
        case .damaged(let file, .broken):
            "\(file): damaged, or not the file that was stored under this name; restore it from a backup"
                + (Self.isObject(file) ? ", or remove the secret and create it again" : "")
        case .damaged(let file, .missing):
            "\(file): missing; restore it from a backup"
                + (Self.isObject(file) ? ", or remove the secret and create it again" : "")
        case .damaged(let file, .malformed):
            "\(file): not in a form that this stackup understands; restore it from a backup"
        case .damagedBackup(let file):
            "\(file): damaged, cut short, or no backup of a store; use another one"
        case .foreignKey(let keyFile, let header):
            "\(keyFile): not the key that opens the store described by \(header); "
                + "put back the key file that this store was made with"
        case .keyMissing(let keyFile, let directory):
            "\(keyFile): the key of the store in \(directory) is missing; put back the key file that this store "
                + "was made with (without it nobody can read the store)"
        case .locked(let directory, let failures):
            "the store in \(directory) is locked" + (failures.isEmpty ? "" : " (\(failures.joined(separator: "; ")))")
                + "; run: stackup store unlock"
        case .lockedBackup(let file, let failures, let takesPassphrase):
            "\(file): nothing at hand opens this backup" + (failures.isEmpty ? "" : " (\(failures.joined(separator: "; ")))")
                + "; name a key file that the store had then with --keyfile PATH"
                + (takesPassphrase ? ", give its passphrase with --passphrase-fd N, or run this at a terminal, which asks for it" : "")
        case .replaced(let directory):
            "\(directory): another command has replaced the store, or the key slot that opened it; run the command again"
        case .changedHeader(let file):
            "\(file): not the header that the store wrote last: its key slots were changed, or an older one was put back; restore it "
                + "from a backup, or, to keep the slot alone that opens the store now, run: stackup store verify --accept"
        case .malformedKey(let keyFile, let problem):
            "\(keyFile): not a key: \(problem); put back the key file that this store was made with"
        case .exposed(let path, let problem, let remedy):
            "\(path): \(problem); \(remedy)"
        case .rolledBack(let directory, let head):
            "\(directory): an older state of the store is back in its place (\(head) knows a newer one); put the newer one back, "
                + "or, if you want this one, run: stackup store verify --accept"
        case .lost(let directory, let head):
            "\(directory): the store is gone, which \(head) knows; bring it back, with 'stackup store restore FILE' from a backup, "
                + "or begin anew with: stackup store init"
        case .newerFormat(let file):
            "\(file): written by a newer stackup; use that one"
        case .busy(let directory, let seconds):
            "\(directory): another stackup command has been writing to the store for \(seconds) seconds; "
                + "wait for it to end, or end it, and try again"
        case .system(let task, let error):
            "can't \(task): \(error)"
        }
    }

    static func wrapping<Result: ~Copyable>(_ body: () throws(SafePathError) -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            switch error {
            case .unsafe(let path, let problem, let remedy): throw .exposed(path: path, problem: problem, remedy: remedy)
            case .system(let error): throw .system(doing: "open the store's folder", error)
            }
        }
    }

    private static func isObject(_ file: String) -> Bool {
        file.split(separator: "/").dropLast().last == Substring(Folder.objectsName)
    }
}
