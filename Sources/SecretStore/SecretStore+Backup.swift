import Glibc
import Linux
import SecretMemory

/// One sealed file with all that the store holds.
extension SecretStore {
    /// Writes a backup into a new file, mode 0600.
    ///
    /// It is the state of one moment, while others go on writing. The file appears whole, or not at all.
    ///
    /// - Parameter replacing: whether a regular file that is there may be replaced.
    /// - Returns: how many objects it has.
    /// - Throws: `damaged` for an object that doesn't open: a backup is to be good for something; `invalid` where there is such a file, or something else by that name.
    @discardableResult
    public func backup(to path: String, replacing: Bool) throws(StoreError) -> Int {
        let name = Paths.lastComponent(of: path)
        let temporary = "\(name).\(Identifier.random().hexadecimal)"
        var count = 0
        do {
            let folder = try FileDescriptor.open(Paths.directory(of: path), O_RDONLY | O_DIRECTORY)
            let number = folder.number
            switch try Occupant(of: name, in: number) {
            case .nothing: break
            case .regularFile:
                guard replacing else { throw StoreError.invalid("\(path) is there already; give another name, or --force") }
            case .other(let kind):
                throw StoreError.invalid("\(path) is \(kind), and only a regular file is replaced; give another name, or '-' for standard output")
            }
            let file = try FileDescriptor.open(temporary, in: number, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
            defer { unlinkat(number, temporary, 0) }
            count = try write(to: file, named: path)
            try retryingInterrupts("rename") {
                replacing ? renameat(number, temporary, number, name) : linkat(number, temporary, number, name, 0)
            }
            try retryingInterrupts("fsync") { fsync(number) }
        } catch let error as SystemCallError {
            throw .system(doing: "write the backup", error.naming(path))
        } catch {
            throw error as! StoreError
        }
        try auditBackup(count)
        return count
    }

    /// Writes a backup into an open file, such as a pipe: standard output.
    @discardableResult
    public func backup(to output: borrowing FileDescriptor) throws(StoreError) -> Int {
        let count = try write(to: output, named: "standard output")
        try auditBackup(count)
        return count
    }

    private func auditBackup(_ objects: Int) throws(StoreError) {
        try audit([AuditEvent(.backedUp, detail: "\(objects) objects")])
    }

    private func write(to output: borrowing FileDescriptor, named name: String) throws(StoreError) -> Int {
        let pin = try ObjectsPin.take(objects)
        defer { pin.release() }
        // Before the index: what it tells of the log is not newer than the index then.
        let kept = try KeptHead.read(location, store: header.store)
        loaded = nil
        let index = try currentIndex()
        do {
            var writer = try BackupWriter.begin(output.duplicate(), header, dataKey: dataKey)
            let bytes = try indexFile()
            try writer.write(BackupEntry(.index, size: bytes.count).encoded + bytes)
            var entries = 1
            if index.logHead.file != Identifier(0) {
                guard let log = try openLog(for: .reading) else {
                    throw StoreError.damaged(file: folder.path(of: AuditLog.fileName(index.logHead.file)), what: .missing)
                }
                let head = index.logHead.followed(by: kept, generation: index.generation)
                let bytes = try log.bytes(upTo: head)
                try writer.write(BackupEntry(.log, head.file, size: bytes.count).encoded + bytes)
                entries += 1
            }
            let objects = index.contents
            for (object, kind) in objects {
                let sealed = try soundObject(object, kind)
                try writer.write(BackupEntry(.object, object, size: sealed.count).encoded + sealed)
            }
            try writer.write(BackupEntry(.end, size: entries + objects.count).encoded)
            let file = try writer.finish()
            let number = file.number
            // A pipe can't be synchronised, and needn't be.
            if fsync(number) != 0, errno != EINVAL, errno != EROFS { throw SystemCallError("fsync") }
            return objects.count
        } catch let error as SystemCallError {
            throw .system(doing: "write the backup", error.naming(name))
        } catch {
            throw error as! StoreError
        }
    }

    /// The sealed index as it was loaded.
    private func indexFile() throws(StoreError) -> [UInt8] {
        guard let loaded else { throw .damaged(file: folder.path(of: Index.fileName), what: .missing) }
        do {
            try retryingInterrupts("lseek") { lseek(loaded.file.number, 0, SEEK_SET) }
            return try loaded.file.read(atMost: Index.sizeLimit + KeyRing.sealedCount + Sealing.overhead)
        } catch {
            throw .system(doing: "read the store", error.naming(folder.path(of: Index.fileName)))
        }
    }

    /// The sealed bytes of an object that opens.
    private func soundObject(_ object: Identifier, _ kind: Binding.Kind) throws(StoreError) -> [UInt8] {
        let sealed = try sealedObject(object, kind)
        _ = try open(sealed, object, kind)
        return sealed
    }
}

extension LogHead {
    /// The newest head of the same log that isn't about a later commit than the index.
    fileprivate func followed(by kept: KeptHead?, generation: UInt64) -> LogHead {
        guard let kept, kept.generation <= generation, kept.log.file == file, kept.log.sequence > sequence else { return self }
        return kept.log
    }
}
