import Glibc
import Linux
import SecretStore
import Testing
import Waiting

/// Disks that are full, read-only, or gone.
struct FailingDiskTests {
    /// A small file system of its own at a scratch folder.
    final class SmallDisk {
        let scratch = Scratch(asHome: true)

        /// - Parameter options: of tmpfs(5).
        init(_ options: String) {
            precondition(run("/bin/mount", "-t", "tmpfs", "-o", "mode=700,\(options)", "tmpfs", scratch.path) == 0)
        }

        deinit { _ = run("/bin/umount", "-l", scratch.path) }

        /// How many blocks and files it has room for.
        var free: (blocks: Int, files: Int) {
            var status = statvfs()
            precondition(statvfs(scratch.path, &status) == 0)
            return (Int(status.f_bavail), Int(status.f_favail))
        }

        /// Fills it up, but for so many blocks.
        func fill(leaving blocks: Int) throws {
            let ballast = try FileDescriptor.open(scratch.path + "/ballast", O_WRONLY | O_CREAT, mode: 0o600)
            try ballast.writeAll([UInt8](repeating: 1, count: (free.blocks - blocks) * 4096))
        }

        /// Makes files, until there is room for so many more.
        func fill(leavingFiles files: Int) {
            mkdir(scratch.path + "/many", 0o700)
            while free.files > files { scratch.overwrite(scratch.path + "/many/\(free.files)", with: []) }
        }

        /// A process that another test is starting may still have a file open that this one has just written.
        func makeReadOnly() {
            eventually(every: 20_000) { run("/bin/mount", "-o", "remount,ro", scratch.path) == 0 }
        }

        func empty() {
            run("/bin/rm", "-rf", scratch.path + "/ballast", scratch.path + "/many")
            // The same holds for what was in there.
            eventually(every: 20_000) { free.blocks >= 64 && free.files >= 64 }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a small disk"), arguments: StoreOperation.all)
    func onAFullDiskNothingIsLost(operation: StoreOperation) throws {
        let original = Scratch(asHome: true)
        try operation.prepare(original)
        let before = DiskImage(reading: original.path)
        let old = try state(of: original)
        #expect(operation.start(original).wait() == 0)
        let new = try state(of: original)

        var found = (failed: 0, done: 0)
        for room in stride(from: 0, to: 24 * operation.stride, by: operation.stride) {
            for disk in [SmallDisk("size=1m"), SmallDisk("nr_inodes=300")] {
                let scratch = disk.scratch
                before.write(into: scratch.path)
                if disk.free.files > 300 { try disk.fill(leaving: room) } else { disk.fill(leavingFiles: room) }
                let output = scratch.path + ".said"
                defer { unlink(output) }
                let status = operation.start(scratch, output: output).wait()
                let said = String(decoding: scratch.bytes(of: output), as: UTF8.self)
                // With no room at all it can still be read.
                let full = try state(of: scratch)
                disk.empty()
                #expect(try stateAndGoingOn(of: scratch) == full)
                if status == 0 {
                    found.done += 1
                    #expect(full == new)
                } else {
                    found.failed += 1
                    #expect(full == old, "room for \(room): \(said)")
                    #expect(status == 1 && said.contains("No space left on device") && said.contains(scratch.path), "room for \(room): \(status), \(said)")
                }
            }
        }
        #expect(found.failed > 0 && found.done > 2)
        print("\(operation.testDescription): \(found.failed) times the disk was full, \(found.done) times there was room")
    }

    @Test(.enabled(if: geteuid() == 0, "only root can mount a small disk"), arguments: StoreOperation.all)
    func aReadOnlyDiskIsReadAndNotWrittenTo(operation: StoreOperation) throws {
        let disk = SmallDisk("size=1m")
        let scratch = disk.scratch
        try operation.prepare(scratch)
        let before = DiskImage(reading: scratch.path).content
        let old = try state(of: scratch)
        disk.makeReadOnly()
        let output = scratch.path + ".said"
        defer { unlink(output) }
        let status = operation.start(scratch, output: output).wait()
        let said = String(decoding: scratch.bytes(of: output), as: UTF8.self)
        #expect(status == 1 && said.contains("Read-only file system") && said.contains(scratch.path), "\(status), \(said)")
        #expect(try state(of: scratch) == old)
        #expect(DiskImage(reading: scratch.path).content == before)
    }

    /// Whoever has the store open when its folder goes away can't make a new one by mistake.
    @Test(arguments: ["store", "store/objects", "store/index"])
    func aFolderThatVanishesIsReportedAndNotMadeAnew(gone: String) throws {
        let scratch = Scratch(asHome: true)
        try makeOldState(scratch.location)
        let store = try #require(try SecretStore.open(scratch.location))
        let path = Paths.directory(of: scratch.location.directory) + "/" + gone
        #expect(run("/bin/sh", "-ec", "cp -a \(path) \(scratch.path)/copy; rm -rf \(path)") == 0)
        let error = #expect(throws: StoreError.self) { try store.create(["new": "value"]) }
        #expect(error?.description.contains(scratch.location.directory) == true, "\(String(describing: error))")
        #expect(access(path, F_OK) != 0)
        #expect(run("/bin/mv", scratch.path + "/copy", path) == 0)
        #expect(try SecretStore.open(scratch.location)?.text("kept") == "old value")
    }
}
