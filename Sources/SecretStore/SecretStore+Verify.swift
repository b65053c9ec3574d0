import Glibc
import Linux
import SecretMemory

/// Looking at every byte of a store.
extension SecretStore {
    /// Checks a store: who can reach its files, its header, its index, every object, the audit log's chain and the head that is kept
    /// apart of it, and whether anything is there that doesn't belong there. Nothing is changed, and nobody is kept from writing.
    ///
    /// - Returns: nil where there is no store.
    /// - Throws: where the store is locked, or the disk can't be read. What is wrong with the store itself is no error.
    public static func verify(_ location: StoreLocation, with unlocker: StoreUnlocker) throws(StoreError) -> StoreReport? {
        var report = StoreReport()
        do {
            guard let store = try open(location, with: unlocker) else { return nil }
            // Its history is looked at below.
            store.acceptsOlder = true
            if let problem = store.keyFileProblem { try report.add(problem) }
            let pin = try ObjectsPin.take(store.objects)
            defer { pin.release() }
            try store.verify(&report)
            report.leftovers += RestorationPlace.leftovers(of: location.directory).map { Paths.directory(of: location.directory) + "/" + $0 }
        } catch {
            try report.add(error)
        }
        return report
    }

    /// - Parameter hasHistory: whether what is kept apart of the store is a measure for it.
    func verify(_ report: inout StoreReport, hasHistory: Bool = true) throws(StoreError) {
        // Before the index: somebody may commit in between.
        let damages = report.damages.count
        let kept = try hasHistory ? keptHead(&report) : nil
        let isMissing = hasHistory && kept == nil && report.damages.count == damages
        let index: Index
        do {
            try refresh()
            index = try currentIndex()
        } catch {
            try report.add(error)
            try verifyFiles(log: nil, objects: nil, &report)
            return
        }
        try verifyHeader(&report)
        // The commit that begins the log comes before its head.
        if isMissing, index.logHead.file != Identifier(0), (try? log())?.first?.generation != index.generation {
            report.add(
                KeptHead.path(location, store: header.store),
                "missing, so that nothing tells whether the store is older than it was; the next change of the store makes it anew")
        }
        // Where it is not known, it is no measure for the log either.
        var isOlder = true
        if let kept { isOlder = try self.isOlder(index, than: kept) }
        if kept != nil, isOlder {
            try report.add(.rolledBack(directory: location.directory, head: KeptHead.path(location, store: header.store)))
        }
        try verifyLog(index, isOlder: isOlder, &report)
        for position in index.positions(of: .secrets) {
            guard let secret = index.secret(at: position) else { continue }
            for version in secret.versions { try verify(version, of: secret.name, &report) }
        }
        for stack in index.stackNames {
            guard let object = index.stackRecord(stack) else { continue }
            try verify(object, .stackRecord, "the record of stack \(stack)", &report) { _ in nil }
        }
        try verifyFiles(log: index.logHead.file, objects: index.objects, &report)
    }

    // MARK: What is sealed

    private func verifyHeader(_ report: inout StoreReport) throws(StoreError) {
        let isAuthentic: Bool
        do {
            isAuthentic = try headerIsAuthentic(loaded?.keyRing)
        } catch {
            throw .system(doing: "check the header", error)
        }
        if !isAuthentic { try report.add(.changedHeader(file: folder.path(of: StoreHeader.fileName))) }
    }

    /// What is kept apart of the store; nil where there is nothing, or it can't be read.
    private func keptHead(_ report: inout StoreReport) throws(StoreError) -> KeptHead? {
        do {
            return try KeptHead.read(location, store: header.store)
        } catch {
            try report.add(error)
            return nil
        }
    }

    private func verifyLog(_ index: Index, isOlder: Bool, _ report: inout StoreReport) throws(StoreError) {
        guard index.logHead.file != Identifier(0) else { return }
        let file = folder.path(of: AuditLog.fileName(index.logHead.file))
        guard let head = try wholeLogHead(isOlder: isOlder) else {
            report.add(file, "an entry of the audit log is missing, changed, or not where it was")
            return
        }
        report.logEntries = head.sequence
    }

    private func verify(_ version: SecretVersion, of secret: String, _ report: inout StoreReport) throws(StoreError) {
        try verify(version.object, .secretValue, "secret \(secret), version \(version.number)", &report) { value in
            value.count == version.size && Fingerprint(of: value, under: fingerprintKey) == version.digest
                ? nil : "not the value that the index describes"
        }
    }

    private func verify(
        _ object: Identifier, _ kind: Binding.Kind, _ what: String, _ report: inout StoreReport,
        problem: (borrowing SecretBytes) -> String?
    ) throws(StoreError) {
        report.objects += 1
        do {
            let value = try plaintext(of: object, kind)
            if let problem = problem(value) { report.add(path(of: object), "\(problem) (\(what))") }
        } catch {
            guard case .damaged(let file, let damage) = error else { throw error }
            report.add(file, "\(damage == .missing ? "missing" : "changed, cut short, or another object's content") (\(what))")
        }
    }

    // MARK: What lies there

    /// - Parameters:
    ///   - log: the audit log's file; nil where that isn't known.
    ///   - objects: what the index refers to; nil where that isn't known.
    private func verifyFiles(log: Identifier?, objects referenced: Set<Identifier>?, _ report: inout StoreReport) throws(StoreError) {
        for name in try folder.names().sorted() {
            let isFolder = name == Folder.objectsName
            switch name {
            case Folder.objectsName, StoreHeader.fileName, Index.fileName, StoreLock.fileName, Self.unloggedName, Self.takenUnloggedName: break
            case StoreHeader.fileName + ".new", Index.fileName + ".new": report.leftovers.append(folder.path(of: name))
            case _ where AuditLog.isFileName(name): if let log, name != AuditLog.fileName(log) { report.leftovers.append(folder.path(of: name)) }
            case _ where AuditLog.isDamagedFileName(name): break
            default:
                report.add(folder.path(of: name), "not a file of the store; see what it is, and remove it")
                continue
            }
            try verifyOwner(name, in: folder, isFolder: isFolder, &report)
        }
        for name in try objects.names().sorted() {
            guard let object = Identifier(hexadecimal: name) else {
                report.add(objects.path(of: name), "not a file of the store; see what it is, and remove it")
                continue
            }
            if let referenced, !referenced.contains(object) { report.leftovers.append(objects.path(of: name)) }
            try verifyOwner(name, in: objects, isFolder: false, &report)
        }
    }

    /// Checks that an entry of a folder is what it should be, and its owner's alone. One that is gone since is no matter.
    private func verifyOwner(
        _ name: String, in folder: borrowing Folder, isFolder: Bool, _ report: inout StoreReport
    ) throws(StoreError) {
        var status = stat()
        guard fstatat(folder.descriptor.number, name, &status, AT_SYMLINK_NOFOLLOW) == 0 else {
            guard errno == ENOENT else { throw .system(doing: "examine the file", SystemCallError("fstatat", folder.path(of: name))) }
            return
        }
        let path = folder.path(of: name)
        if status.st_mode & S_IFMT != (isFolder ? S_IFDIR : S_IFREG) {
            report.add(path, "not a \(isFolder ? "folder" : "regular file"); see what it is, and remove it")
        } else if status.st_uid != geteuid() {
            report.add(path, "belongs to user \(status.st_uid), not to user \(geteuid())")
        } else if status.st_mode & 0o077 != 0 {
            let mode = String(status.st_mode & 0o777, radix: 8)
            report.add(path, "open to others (mode 0\(mode)); run: chmod \(isFolder ? "700" : "600") '\(path)'")
        }
    }
}
