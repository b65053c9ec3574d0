import Glibc
import Linux

/// The files of one instance's log in the order in which they were written, for somebody who reads them while ``LogFiles`` moves them on.
///
/// Nothing is locked: a reader may be stopped for as long as somebody likes, and a supervisor waits for nobody. What is relied on is how files are
/// moved (``LogFiles/moves(of:fileCount:)``): the oldest first, each to the next number, which is free by then. So
/// - whoever looks at one number after the other, upwards, meets every file that is there all the while, each after those that are newer;
/// - while a file keeps its number the others stay on the side of it where they are. What is next to it before and after something else was
///   looked at was so in between.
struct LogSeries {
    /// One of the files. As long as it is open no other has its inode.
    struct Member: ~Copyable {
        fileprivate let descriptor: FileDescriptor
        let inode: ino_t

        /// Of the descriptor, which is open for as long as this value lives.
        var number: Int32 { descriptor.number }
    }

    private enum Opening: ~Copyable {
        case opened(Member)
        case missing
        /// It is there, and can't be had.
        case failed
    }

    private let instance: String
    private let directory: Int32
    /// Called before each look at what others may change: tests have it changed there.
    private let willLook: () -> Void

    /// How many numbers in a row may be free below a file: the one that a file is being moved to, another for each rotation that ends between two looks,
    /// and what a supervisor has left that was killed while it moved them.
    static let gap = 8
    /// How often to look again where files are moved meanwhile. There is time for thousands of looks between two rotations.
    private static let patience = 1000

    /// - Parameter directory: the project's log directory, open for as long as this value lives.
    init(of instance: String, in directory: Int32, willLook: @escaping () -> Void = {}) {
        self.instance = instance
        self.directory = directory
        self.willLook = willLook
    }

    // MARK: Questions

    /// Whether there is a file that is newer than this one, to which nothing is added then.
    func hasNewer(than inode: ino_t) -> Bool {
        var first: ino_t?
        scan {
            first = $1
            return false
        }
        return first.map { $0 != inode } ?? false
    }

    /// How many files may be newer than this one; than nil, and than one that was rotated out: all.
    func newerCount(than inode: ino_t?) -> Int { inode.flatMap(number) ?? (oldestNumber().map { $0 + 1 } ?? 0) }

    /// How long an open file is, in bytes.
    func size(_ descriptor: Int32) -> Int64 {
        willLook()
        var status = stat()
        // What is larger has no end within anybody's life.
        return fstat(descriptor, &status) == 0 ? min(Int64(status.st_size), 1 << 60) : 0
    }

    // MARK: Neighbours

    func openNewest() -> Member? {
        for number in 0...Self.gap {
            if case .opened(let member) = open(number) { return member }
        }
        return nil
    }

    func openOldest() -> Member? {
        for _ in 0..<Self.patience {
            guard let number = oldestNumber() else { return nil }
            switch open(number) {
            case .missing: continue
            case .failed: return nil
            case .opened(let member):
                // Another may have come there, and the oldest be above it.
                var last = member.inode
                scan(from: number + 1) {
                    last = $1
                    return true
                }
                if last == member.inode { return member }
            }
        }
        return nil
    }

    /// The file that was begun when this one was full; the oldest that is left where this one was rotated out, or removed with its instance.
    ///
    /// - Parameter isNext: whether it goes on where this one ends.
    func openNewer(than inode: ino_t, isNext: inout Bool) -> Member? {
        search: for _ in 0..<Self.patience {
            guard let number = number(of: inode) else {
                isNext = false
                return openOldest()
            }
            for below in stride(from: number - 1, through: 0, by: -1) {
                switch open(below) {
                case .missing: continue
                case .failed: return nil
                case .opened(let member):
                    // None has come between the two since.
                    guard (below + 1..<number).allSatisfy({ self.inode($0) == nil }), self.inode(number) == inode else { continue search }
                    isNext = true
                    return member
                }
            }
            // Between the last move and the first line after it there is no newer file. On the way down one that moved up may have been missed.
            if (0..<number).allSatisfy({ self.inode($0) == nil }), self.inode(number) == inode { return nil }
        }
        return nil
    }

    /// The file that was full when this one was begun.
    func openOlder(than inode: ino_t) -> Member? {
        search: for _ in 0..<Self.patience {
            // Where this one was rotated out, the older ones were before.
            guard let number = number(of: inode) else { return nil }
            for above in number + 1...number + Self.gap {
                switch open(above) {
                case .missing: continue
                case .failed: return nil
                case .opened(let member):
                    guard self.inode(number) == inode else { continue search }
                    return member
                }
            }
            if self.inode(number) == inode { return nil }
        }
        return nil
    }

    // MARK: Looks

    /// Which of the files this one is; nil where it is none of them any more.
    private func number(of inode: ino_t) -> Int? {
        var result: Int?
        scan {
            if $1 == inode { result = $0 }
            return result == nil
        }
        return result
    }

    private func oldestNumber() -> Int? {
        var result: Int?
        scan {
            result = $0
            _ = $1
            return true
        }
        return result
    }

    /// Goes up through the files.
    ///
    /// - Parameter body: gets a number and an inode, and says whether to go on.
    private func scan(from start: Int = 0, _ body: (Int, ino_t) -> Bool) {
        var number = start, missing = 0
        while missing < Self.gap {
            if let inode = inode(number) {
                missing = 0
                if !body(number, inode) { return }
            } else {
                missing += 1
            }
            number += 1
        }
    }

    private func inode(_ number: Int) -> ino_t? {
        willLook()
        var status = stat()
        guard fstatat(directory, LogFiles.fileName(instance, number), &status, AT_SYMLINK_NOFOLLOW) == 0, status.st_mode & S_IFMT == S_IFREG
        else { return nil }
        return status.st_ino
    }

    private func open(_ number: Int) -> Opening {
        willLook()
        do {
            let opened = try FileDescriptor.open(
                LogFiles.fileName(instance, number), in: directory, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, resolution: [.noSymlinks, .beneath])
            let status = try opened.status()
            return status.st_mode & S_IFMT == S_IFREG ? .opened(Member(descriptor: opened, inode: status.st_ino)) : .missing
        } catch {
            return error.code == ENOENT || inode(number) == nil ? .missing : .failed
        }
    }
}
