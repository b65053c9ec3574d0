import Glibc
import Linux

/// How instances ended, as their first processes leave it for a supervisor that is not their parent: `exit/statuses`, a file with a page for each.
///
/// To make a file at each start would be slow on a disk. A page is all of it that such a process, or whoever gets hold of it, has: it maps that,
/// and keeps no descriptor of the file. By what it keeps, of `exit/sign`, which is empty, it is known for an instance of this stack.
final class ExitStatuses {
    static let folderName = "exit"
    static let fileName = "exit/statuses"
    static let signName = "exit/sign"
    private static let pageSize = Int(getpagesize())
    /// What a page says until the end: -1, which is no wait status.
    private static let none = [UInt8](repeating: 0xFF, count: 4)
    /// Behind the status: the instance's name, ended by a NUL.
    private static let longestName = 256

    private let directory: RuntimeDirectory
    /// nil until it is needed.
    private var file: File?
    private var pages: [InstanceName: Int] = [:]
    private var freePages: [Int] = []
    private var pageCount = 0

    private final class File {
        let pages: FileDescriptor
        let sign: FileDescriptor

        init(in directory: RuntimeDirectory) throws(SystemCallError) {
            mkdirat(directory.number, folderName, 0o700)
            func open(_ name: String, _ access: Int32) throws(SystemCallError) -> FileDescriptor {
                try FileDescriptor.open(
                    name, in: directory.number, access | O_CREAT | O_NOFOLLOW, mode: 0o600, resolution: [.noSymlinks, .beneath])
            }
            pages = try open(fileName, O_RDWR)
            sign = try open(signName, O_RDONLY)
        }
    }

    /// With what a predecessor's instances have left there.
    init(_ directory: RuntimeDirectory) {
        self.directory = directory
        guard let file = try? FileDescriptor.open(Self.fileName, in: directory.number, O_RDONLY | O_NOFOLLOW, resolution: [.noSymlinks, .beneath]),
            let size = try? file.status().st_size
        else { return }
        pageCount = (Int(size) + Self.pageSize - 1) / Self.pageSize
        for page in 0..<pageCount {
            if let name = Self.name(of: page, in: file.number) { pages[name] = page } else { freePages.append(page) }
        }
    }

    /// Where an instance's pid 1 is to leave how it ended; what an earlier run has left there is gone.
    ///
    /// - Returns: valid as long as this object lives.
    func page(for instance: InstanceName) throws(SystemCallError) -> ExitStatusPage {
        let file = try openFile()
        let page = pages[instance] ?? freePages.popLast() ?? pageCount
        try write(Self.none + Array(instance.description.utf8) + [0], at: page * Self.pageSize)
        pages[instance] = page
        pageCount = max(pageCount, page + 1)
        return ExitStatusPage(pages: file.pages.number, sign: file.sign.number, offset: page * Self.pageSize)
    }

    /// The status as a shell has it; nil where nothing was left: it was killed itself.
    func exitCode(of instance: InstanceName) -> Int32? {
        guard let page = pages[instance], let file = try? openFile() else { return nil }
        var status: Int32 = -1
        guard pread(file.pages.number, &status, 4, off_t(page * Self.pageSize)) == 4 else { return nil }
        return Self.exitCode(of: status)
    }

    /// - Parameter status: as wait(2) gives it; negative: none.
    static func exitCode(of status: Int32) -> Int32? {
        guard status >= 0 else { return nil }
        let signal = status & 0x7F
        return signal == 0 ? status >> 8 & 0xFF : 128 + signal
    }

    /// Forgets instances that nobody knows of.
    func forget(besides known: Set<InstanceName>) {
        for instance in pages.keys where !known.contains(instance) { forget(instance) }
    }

    /// The page is another's from now on.
    func forget(_ instance: InstanceName) {
        guard let page = pages.removeValue(forKey: instance) else { return }
        try? write([0], at: page * Self.pageSize + Self.none.count)
        freePages.append(page)
    }

    private func openFile() throws(SystemCallError) -> File {
        if let file { return file }
        let opened = try File(in: directory)
        file = opened
        return opened
    }

    private func write(_ bytes: [UInt8], at offset: Int) throws(SystemCallError) {
        let written = pwrite(try openFile().pages.number, bytes, bytes.count, off_t(offset))
        guard written == bytes.count else { throw SystemCallError("pwrite", Self.fileName, code: written < 0 ? errno : ENOSPC) }
    }

    private static func name(of page: Int, in file: Int32) -> InstanceName? {
        var bytes = [UInt8](repeating: 0, count: longestName)
        let count = pread(file, &bytes, bytes.count, off_t(page * pageSize + none.count))
        guard count > 0, let end = bytes[..<count].firstIndex(of: 0), let dash = bytes[..<end].lastIndex(of: UInt8(ascii: "-")),
            let index = Int(String(decoding: bytes[(dash + 1)..<end], as: UTF8.self))
        else { return nil }
        let name = InstanceName(service: String(decoding: bytes[..<dash], as: UTF8.self), index: index)
        return name.isValid ? name : nil
    }
}

/// Where an instance's pid 1 leaves how it ended.
public struct ExitStatusPage: Sendable {
    /// A descriptor of the file that it is a page of.
    let pages: Int32
    /// A descriptor that tells whose instance it is.
    let sign: Int32
    /// In bytes; a multiple of the size of a page.
    let offset: Int
}
