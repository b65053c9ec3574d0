import CSodium
import Glibc
import Linux
import SecretMemory

/// The file that a secret's value came from, on its way out: once the store is to be the value's only place.
///
/// Nobody who can write to its folder can lead the end of it to another file: it is opened once, moved into a folder of the caller's
/// own, and only overwritten when what lies there is what was opened, and still holds the value.
public struct PlaintextFile: ~Copyable {
    /// As it was named, without links on the way.
    public let path: String
    private let name: String
    private let folder: FileDescriptor
    /// Open for reading and writing.
    var file: FileDescriptor
    private let allowsOtherNames: Bool

    /// What the file is called in the folder of the caller's own.
    private static let movedName = "plaintext"
    /// What it is called once it was looked at: only then may it be destroyed without another look.
    private static let doomedName = "doomed"

    /// Opens the file for its end.
    ///
    /// - Parameters:
    ///   - path: absolute. A symbolic link at its end is refused: it is not what holds the value.
    ///   - allowsOtherNames: whether it may have other names (hard links), under which nothing but noise is left then.
    public static func open(_ path: String, allowsOtherNames: Bool) throws(PlaintextError) -> PlaintextFile {
        let (directory, name) = (Paths.directory(of: Paths.clean(path)), Paths.lastComponent(of: path))
        let place = (realPath(directory) ?? directory) + "/" + name
        var target = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(place, &target, target.count)
        if count >= 0 { throw .link(path, target: String(decoding: target[..<count], as: UTF8.self)) }
        do throws(SystemCallError) {
            let folder = try FileDescriptor.open(Paths.directory(of: place), O_RDONLY | O_DIRECTORY, resolution: .noSymlinks)
            let file = try FileDescriptor.open(
                name, in: folder.number, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, resolution: [.noSymlinks, .beneath])
            let plaintext = PlaintextFile(
                path: place, name: name, folder: folder, file: file, allowsOtherNames: allowsOtherNames)
            let status = try plaintext.file.status()
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemCallError("open", place, code: ENXIO) }
            guard faccessat(plaintext.folder.number, ".", W_OK, AT_EACCESS) == 0 else { throw SystemCallError("access", directory) }
            return try plaintext.checkingNames(status)
        } catch {
            switch error.code {
            case ENOENT, ENOTDIR: throw .missing(path)
            case ENXIO: throw .notRegular(path)
            case EMLINK: throw .otherNames(path)
            default: throw .system(path, error.naming(place))
            }
        }
    }

    private consuming func checkingNames(_ status: stat) throws(SystemCallError) -> PlaintextFile {
        guard allowsOtherNames || status.st_nlink == 1 else { throw SystemCallError("link", path, code: EMLINK) }
        return self
    }

    /// Whether it holds a value, byte for byte.
    public func holds(_ value: borrowing SecretBytes) throws(PlaintextError) -> Bool {
        do throws(SystemCallError) {
            guard lseek(file.number, 0, SEEK_SET) == 0 else { throw SystemCallError("lseek", path) }
            guard let bytes = try SecretBytes(readingFrom: file, limit: SecretStore.valueLimit) else { return false }
            return bytes.equalsInConstantTime(value)
        } catch {
            throw .system(path, error.naming(path))
        }
    }

    /// What may be left of the value once the file is gone.
    public var remains: PlaintextRemains { PlaintextRemains(fileSystem: file.fileSystemType) }

    /// Overwrites the file and removes it. Killed at any point, what is left of it is found and removed by ``removeRemains(of:)``.
    ///
    /// - Parameter value: what it has to hold still.
    /// - Throws: where it is another file now, holds something else, got another name, or is open for writing elsewhere: it is back in
    ///   its place then.
    public consuming func destroy(holding value: borrowing SecretBytes) throws(PlaintextError) {
        let temporary = Self.temporaryName(for: name)
        do throws(SystemCallError) {
            let own = try Self.ownFolder(temporary, in: folder.number)
            let (from, to) = (folder.number, own.number)
            try retryingInterrupts("rename", on: path) { renameat(from, name, to, Self.movedName) }
            guard try isMoved(in: to) else {
                try moveBack(from: to, temporary)
                throw SystemCallError("rename", path, code: EAGAIN)
            }
            // What somebody writes after the next look at it would be lost.
            if try isOpenForWriting(movedTo: to, as: Self.movedName) {
                try moveBack(from: to, temporary)
                throw SystemCallError("fcntl", path, code: EBUSY)
            }
            guard try holdsStill(value) else {
                try moveBack(from: to, temporary)
                throw SystemCallError("rename", path, code: EAGAIN)
            }
            let names = try file.status().st_nlink
            if !allowsOtherNames, names > 1 {
                try moveBack(from: to, temporary)
                throw SystemCallError("link", path, code: EMLINK)
            }
            try retryingInterrupts("rename", on: path) { renameat(to, Self.movedName, to, Self.doomedName) }
            try Self.overwrite(file)
            try retryingInterrupts("unlink", on: path) { unlinkat(to, Self.doomedName, 0) }
            unlinkat(from, temporary, AT_REMOVEDIR)
            try retryingInterrupts("fsync", on: path) { fsync(from) }
        } catch {
            switch error.code {
            case ENOENT, EAGAIN: throw .changed(path)
            case EMLINK: throw .otherNames(path)
            case EBUSY: throw .inUse(path)
            default: throw .system(path, error.naming(path))
            }
        }
    }

    private borrowing func isMoved(in own: Int32) throws(SystemCallError) -> Bool {
        let mine = try file.status()
        var moved = stat()
        return fstatat(own, Self.movedName, &moved, AT_SYMLINK_NOFOLLOW) == 0 && moved.st_ino == mine.st_ino
            && moved.st_dev == mine.st_dev
    }

    private borrowing func holdsStill(_ value: borrowing SecretBytes) throws(SystemCallError) -> Bool {
        do throws(PlaintextError) {
            return try holds(value)
        } catch {
            if case .system(_, let error) = error { throw error }
            return false
        }
    }

    /// Never over what has come to lie there meanwhile: then it stays where it was moved to.
    private borrowing func moveBack(from own: Int32, _ temporary: String) throws(SystemCallError) {
        guard linkat(own, Self.movedName, folder.number, name, 0) == 0 else {
            throw SystemCallError("link", "\(Paths.directory(of: path))/\(temporary)/\(Self.movedName)")
        }
        unlinkat(own, Self.movedName, 0)
        unlinkat(folder.number, temporary, AT_REMOVEDIR)
    }
}

// MARK: Steps

extension PlaintextFile {
    private static func temporaryName(for name: String) -> String { "." + (name.utf8.count > 100 ? String(name.prefix(100)) : name) + ".stackup-seal" }

    /// A folder in which nobody else can do anything, whoever may write to the one it lies in.
    private static func ownFolder(_ name: String, in folder: Int32) throws(SystemCallError) -> FileDescriptor {
        if mkdirat(folder, name, 0o700) != 0, errno != EEXIST { throw SystemCallError("mkdirat", name) }
        let own = try FileDescriptor.open(name, in: folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolution: [.noSymlinks, .beneath])
        let status = try own.status()
        guard status.st_uid == geteuid(), status.st_mode & 0o077 == 0 else { throw SystemCallError("openat2", name, code: EPERM) }
        return own
    }

    /// Random bytes over all of it, through to the disk.
    private static func overwrite(_ file: borrowing FileDescriptor) throws(SystemCallError) {
        Sodium.start()
        let number = file.number
        let size = Int(try file.status().st_size)
        var noise = [UInt8](repeating: 0, count: min(size, 65536))
        var done = 0
        while done < size {
            randombytes_buf(&noise, noise.count)
            let count = min(noise.count, size - done)
            done += try retryingInterrupts("pwrite") { pwrite(number, noise, count, off_t(done)) }
        }
        try retryingInterrupts("fsync") { fsync(number) }
    }

    /// Whether an end was begun at a path and not finished: the process was killed.
    public static func hasRemains(of path: String) -> Bool { hasRemains(at: remainsPath(of: path)) }

    /// The same, by where they would lie.
    public static func hasRemains(at place: String) -> Bool {
        var status = stat()
        return lstat(place, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR && status.st_uid == geteuid()
    }

    /// Where an end that was begun and not finished leaves the plaintext: a folder beside the file.
    ///
    /// - Parameter path: of the file.
    public static func remainsPath(of path: String) -> String {
        let path = Paths.clean(path)
        return Paths.directory(of: path) + "/" + temporaryName(for: Paths.lastComponent(of: path))
    }

    /// Whether two names are one file's: it was on the way back to its place, and has its old name again.
    private static func isSame(_ name: String, in folder: Int32, as other: String, in otherFolder: Int32) -> Bool {
        var (first, second) = (stat(), stat())
        return fstatat(folder, name, &first, AT_SYMLINK_NOFOLLOW) == 0 && fstatat(otherFolder, other, &second, AT_SYMLINK_NOFOLLOW) == 0
            && first.st_ino == second.st_ino && first.st_dev == second.st_dev
    }

    /// Finishes what a process that was killed had begun. A file that it had not looked at yet goes back to its place.
    ///
    /// - Throws: `leftBehind` where something else has come to lie there.
    public static func removeRemains(of path: String) throws(PlaintextError) {
        let directory = Paths.directory(of: Paths.clean(path))
        let temporary = temporaryName(for: Paths.lastComponent(of: path))
        do throws(SystemCallError) {
            let folder = try FileDescriptor.open(realPath(directory) ?? directory, O_RDONLY | O_DIRECTORY, resolution: .noSymlinks)
            let number = folder.number
            let own = try ownFolder(temporary, in: number)
            do throws(SystemCallError) {
                try overwrite(try FileDescriptor.open(doomedName, in: own.number, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY))
            } catch {
                guard error.code == ENOENT else { throw error }
            }
            unlinkat(own.number, doomedName, 0)
            let name = Paths.lastComponent(of: path)
            let refusal = linkat(own.number, movedName, number, name, 0) == 0 ? 0 : errno
            if refusal == 0 || refusal == EEXIST && isSame(movedName, in: own.number, as: name, in: number) {
                unlinkat(own.number, movedName, 0)
            } else if refusal != ENOENT {
                throw SystemCallError("link", code: refusal)
            }
            unlinkat(number, temporary, AT_REMOVEDIR)
            try retryingInterrupts("fsync", on: directory) { fsync(number) }
        } catch {
            guard error.code != EEXIST else { throw .leftBehind("\(remainsPath(of: path))/\(movedName)", path) }
            throw .system(path, error.naming(remainsPath(of: path)))
        }
    }
}

/// What may be left of a value in spite of all once its file was overwritten and removed.
public enum PlaintextRemains: Equatable, Sendable {
    /// It lay in memory.
    case nothing
    /// The filesystem writes new blocks and leaves the old ones as they are until it uses them again; snapshots keep them.
    case oldBlocks(fileSystem: String)
    /// It lies on another machine, or in a program's hands.
    case elsewhere(fileSystem: String)
    /// The file's own blocks were overwritten; what the disk itself keeps aside is out of reach (an SSD's spare cells).
    case spareCells

    /// - Parameter type: as statfs(2) has it.
    public init(fileSystem type: UInt32) {
        self = switch type {
        case 0x0102_1994, 0x8584_58F6: .nothing
        case 0x9123_683E: .oldBlocks(fileSystem: "btrfs")
        case 0x2FC1_2FC1: .oldBlocks(fileSystem: "zfs")
        case 0xCA45_1A4E: .oldBlocks(fileSystem: "bcachefs")
        case 0xF2F5_2010: .oldBlocks(fileSystem: "f2fs")
        case 0x0000_3434: .oldBlocks(fileSystem: "nilfs2")
        case 0x794C_7630: .oldBlocks(fileSystem: "overlayfs")
        case 0x0000_6969: .elsewhere(fileSystem: "nfs")
        case 0xFF53_4D42, 0xFE53_4D42: .elsewhere(fileSystem: "smb")
        case 0x6573_5546: .elsewhere(fileSystem: "fuse")
        default: .spareCells
        }
    }
}

/// Why a plaintext file was not brought to its end. No case holds a value.
public enum PlaintextError: Error, Equatable, Sendable, CustomStringConvertible {
    case missing(String)
    case link(String, target: String)
    case notRegular(String)
    /// It has hard links.
    case otherNames(String)
    /// Somebody changed or replaced it while it was looked at.
    case changed(String)
    /// Some other process has it open for writing.
    case inUse(String)
    /// What a seal that was cut short has moved away, and whose place is taken.
    case leftBehind(String, String)
    case system(String, SystemCallError)

    public var description: String {
        switch self {
        case .missing(let path): "\(path): no such file"
        case .link(let path, let target):
            "\(path): a symbolic link to \(target), not the file that holds the value; name that file in the Compose file"
        case .notRegular(let path): "\(path): not a regular file"
        case .otherNames(let path):
            "\(path): the file has other names (hard links), under which its content would be gone too; --force seals it all the same"
        case .changed(let path): "\(path): somebody changed or replaced it meanwhile, so it was left alone; run the command again"
        case .inUse(let path):
            "\(path): another process has it open for writing, and what it writes there would be lost, so it was left alone; end that one first "
                + "('fuser -v \(path)' shows it), and run the command again"
        case .leftBehind(let remains, let path):
            "\(remains): what a seal that was cut short has moved away from \(path), where another file lies now; look which of the two is to stay, "
                + "and remove the other one"
        case .system(let path, let error): "\(path): can't be removed: \(error)"
        }
    }
}
