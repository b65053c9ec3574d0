import Glibc
import Linux
import SecretMemory
import SecretStore
import Testing

@Suite struct PlaintextFileTests {
    let scratch = Scratch()
    private var path: String { scratch.path + "/token.txt" }

    private func value(_ text: String = "a value") throws -> SecretBytes { try SecretBytes(copying: Array(text.utf8)) }

    private func write(_ text: String = "a value") { scratch.overwrite(path, with: Array(text.utf8)) }

    private func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    private func open(_ path: String? = nil, force: Bool = false) throws(PlaintextError) -> PlaintextFile {
        try PlaintextFile.open(path ?? self.path, allowsOtherNames: force)
    }

    /// What keeps a file from being opened for its end.
    private func refusal(_ path: String? = nil) -> PlaintextError? {
        do {
            _ = try open(path)
            return nil
        } catch {
            return error
        }
    }

    /// What keeps a file from being destroyed.
    private func failure(of file: consuming PlaintextFile) throws -> PlaintextError? {
        let value = try value()
        do throws(PlaintextError) {
            try file.destroy(holding: value)
            return nil
        } catch {
            return error
        }
    }

    @Test func itIsComparedByteForByte() throws {
        write("a value")
        let file = try open()
        #expect(try file.holds(try value()))
        for other in ["a valu", "a value\n", "a vALue", ""] { #expect(try !file.holds(try value(other))) }
    }

    @Test func itIsOverwrittenBeforeItIsRemovedAndNothingIsLeftBesideIt() throws {
        write(String(repeating: "a value ", count: 20_000))
        let descriptor = try FileDescriptor.open(path, O_RDONLY)
        try open().destroy(holding: try value(String(repeating: "a value ", count: 20_000)))
        #expect(!exists(path))
        #expect(names(in: scratch.path).filter { $0.contains("token") } == [])
        // Whoever had it open reads noise.
        let rest = try descriptor.readAll()!
        #expect(rest.count == 160_000)
        #expect(rest.withUnsafeBytes { memmem($0, "a value") } == nil)
    }

    @Test func aLinkAFolderAFIFOAndNothingAreRefused() throws {
        #expect(refusal() == .missing(path))
        #expect(refusal(scratch.path + "/nowhere/token.txt") == .missing(scratch.path + "/nowhere/token.txt"))
        write()
        symlink(path, scratch.path + "/link")
        #expect(refusal(scratch.path + "/link") == .link(scratch.path + "/link", target: path))
        mkfifo(scratch.path + "/fifo", 0o600)
        #expect(refusal(scratch.path + "/fifo") == .notRegular(scratch.path + "/fifo"))
        if case .system? = refusal(scratch.path) {} else { Issue.record("a folder") }
    }

    @Test func otherNamesAreRefusedUnlessTheyMayGoToo() throws {
        write()
        link(path, scratch.path + "/second")
        #expect(refusal() == .otherNames(path))
        try open(force: true).destroy(holding: try value())
        #expect(!exists(path))
        #expect(scratch.bytes(of: scratch.path + "/second") != Array("a value".utf8))
    }

    @Test func aNameThatItGetsMeanwhileKeepsIt() throws {
        write()
        let file = try open()
        link(path, scratch.path + "/second")
        let failure = try failure(of: file)
        #expect(failure == .otherNames(path))
        #expect(scratch.bytes(of: path) == Array("a value".utf8))
        #expect(names(in: scratch.path).contains { $0.contains("stackup-seal") } == false)
    }

    @Test func anotherFileThatTakesItsPlaceIsLeftAlone() throws {
        write()
        let file = try open()
        scratch.overwrite(scratch.path + "/other", with: Array("something dear".utf8))
        rename(scratch.path + "/other", path)
        let failure = try failure(of: file)
        #expect(failure == .changed(path))
        #expect(scratch.bytes(of: path) == Array("something dear".utf8))
    }

    @Test func aLinkThatTakesItsPlaceLeadsNowhere() throws {
        write()
        let victim = scratch.path + "/victim"
        scratch.overwrite(victim, with: Array("a value".utf8))
        let file = try open()
        unlink(path)
        symlink(victim, path)
        let failure = try failure(of: file)
        #expect(failure == .changed(path))
        #expect(scratch.bytes(of: victim) == Array("a value".utf8))
    }

    @Test func oneThatWasOnTheWayBackToItsPlaceWhenItsEndWasCutShortIsThereAgain() throws {
        write()
        let remains = PlaintextFile.remainsPath(of: path)
        mkdir(remains, 0o700)
        link(path, remains + "/plaintext")
        try PlaintextFile.removeRemains(of: path)
        #expect(!exists(remains))
        try open().destroy(holding: try value())
        #expect(!exists(path))
        // Another file in its place is not it.
        write()
        mkdir(remains, 0o700)
        rename(path, remains + "/plaintext")
        write("something else")
        #expect(throws: PlaintextError.leftBehind(remains + "/plaintext", path)) { try PlaintextFile.removeRemains(of: path) }
        #expect(scratch.bytes(of: remains + "/plaintext") == Array("a value".utf8))
    }

    @Test func whoHasItOpenForWritingLosesNothing() throws {
        write()
        for flags in [O_WRONLY, O_RDWR, O_WRONLY | O_APPEND] {
            let file = try open()
            let writer = try FileDescriptor.open(path, flags)
            let reader = try FileDescriptor.open(path, O_RDONLY)
            #expect(try failure(of: file) == .inUse(path))
            #expect(scratch.bytes(of: path) == Array("a value".utf8))
            #expect(names(in: scratch.path).filter { $0.contains("stackup-seal") } == [])
            try writer.writeAll(Array("a value".utf8))
            write()
            extendLifetime(reader)
        }
        // One that has it mapped may have closed it.
        let file = try open()
        let mapped = try FileDescriptor.open(path, O_RDWR)
        let memory = mmap(nil, 7, PROT_READ | PROT_WRITE, MAP_SHARED, mapped.number, 0)!
        _ = consume mapped
        #expect(try failure(of: file) == .inUse(path))
        munmap(memory, 7)
        try open().destroy(holding: try value())
        #expect(!exists(path))
    }

    @Test func whatIsWrittenToItMeanwhileIsNotLost() throws {
        write()
        let file = try open()
        #expect(try file.holds(try value()))
        write("a newer value")
        let failure = try failure(of: file)
        #expect(failure == .changed(path))
        #expect(scratch.bytes(of: path) == Array("a newer value".utf8))
    }

    @Test func whatAKilledProcessLeftIsFoundAndRemoved() throws {
        #expect(!PlaintextFile.hasRemains(of: path))
        let folder = scratch.path + "/.token.txt.stackup-seal"
        mkdir(folder, 0o700)
        scratch.overwrite(folder + "/doomed", with: Array("a value".utf8))
        #expect(PlaintextFile.hasRemains(of: path))
        try PlaintextFile.removeRemains(of: path)
        #expect(!PlaintextFile.hasRemains(of: path) && !exists(folder) && !exists(path))
    }

    /// It may be another file than the one that was opened, such as a newer one that nobody has stored yet.
    @Test func whatAKilledProcessHadNotLookedAtYetComesBack() throws {
        let folder = scratch.path + "/.token.txt.stackup-seal"
        mkdir(folder, 0o700)
        scratch.overwrite(folder + "/plaintext", with: Array("a newer value".utf8))
        try PlaintextFile.removeRemains(of: path)
        #expect(!PlaintextFile.hasRemains(of: path) && !exists(folder))
        #expect(scratch.bytes(of: path) == Array("a newer value".utf8))

        mkdir(folder, 0o700)
        scratch.overwrite(folder + "/plaintext", with: Array("yet another".utf8))
        #expect(throws: PlaintextError.leftBehind(folder + "/plaintext", path)) { try PlaintextFile.removeRemains(of: path) }
        #expect(scratch.bytes(of: path) == Array("a newer value".utf8))
        #expect(scratch.bytes(of: folder + "/plaintext") == Array("yet another".utf8))
    }

    @Test func aFolderOfThatNameThatOthersMayEnterIsNotUsed() throws {
        write()
        mkdir(scratch.path + "/.token.txt.stackup-seal", 0o755)
        do {
            try open().destroy(holding: try value())
            Issue.record("it was used")
        } catch {}
        #expect(scratch.bytes(of: path) == Array("a value".utf8))
    }

    @Test(arguments: [
        (UInt32(0x0102_1994), PlaintextRemains.nothing), (0x9123_683E, .oldBlocks(fileSystem: "btrfs")),
        (0x6969, .elsewhere(fileSystem: "nfs")), (0xEF53, .spareCells),
    ])
    func whatMayBeLeftIsTheFileSystemsMatter(type: UInt32, remains: PlaintextRemains) {
        #expect(PlaintextRemains(fileSystem: type) == remains)
    }

    /// Somebody with the right to write to the folder exchanges the file for others as fast as they can.
    @Test func noExchangeLeadsToAnotherFile() throws {
        let keep = scratch.path + "/dear"
        let other = scratch.path + "/exchange"
        /// Never over what lies there, so that nobody but the one who is tested ever takes a name away for good.
        @Sendable func move(_ old: String, _ new: String) {
            if link(old, new) == 0 { unlink(old) }
        }
        for _ in 0..<25 {
            write()
            scratch.overwrite(keep, with: Array("something dear".utf8))
            link(keep, other)
            let exchanger = OtherThread { [path] in
                for _ in 0..<100 {
                    move(path, path + ".aside")
                    move(other, path)
                    move(path, other)
                    move(path + ".aside", path)
                }
            }
            do {
                try PlaintextFile.open(path, allowsOtherNames: true).destroy(holding: try value())
            } catch {}
            exchanger.join()
            #expect(scratch.bytes(of: keep) == Array("something dear".utf8))
            // Nor was it taken away under its second name, which lies somewhere.
            var status = stat()
            #expect(stat(keep, &status) == 0 && status.st_nlink >= 2)
            for name in names(in: scratch.path) {
                unlink(scratch.path + "/" + name)
                unlink(scratch.path + "/" + name + "/plaintext")
                rmdir(scratch.path + "/" + name)
            }
        }
    }
}

/// A thread beside the test's own.
private final class OtherThread {
    private final class Work {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private var thread = pthread_t()

    init(_ body: @escaping @Sendable () -> Void) {
        let argument = Unmanaged.passRetained(Work(body)).toOpaque()
        pthread_create(&thread, nil, { argument in
            Unmanaged<Work>.fromOpaque(argument!).takeRetainedValue().body()
            return nil
        }, argument)
    }

    func join() { pthread_join(thread, nil) }
}

private func memmem(_ bytes: UnsafeRawBufferPointer, _ text: String) -> Int? {
    let pattern = Array(text.utf8)
    return bytes.indices.first { bytes[$0...].starts(with: pattern) }
}
