import Glibc
import Linux
import SecretMemory
import Testing

@testable import SecretStore

/// Somebody who can write to the files changes one of them, in every way there is.
@Suite struct TamperingTests {
    let scratch = Scratch()

    /// A store with secrets of several versions, a removed one, a stack's record and what was read in its log; and all its files as they were
    /// some commits ago.
    struct Victim {
        let scratch: Scratch
        /// The files, and what they were and are.
        let old: [String: [UInt8]]
        let sound: [String: [UInt8]]
        let values = ["a": "value of a", "b": "another value of b", "c": "value of c"]
        /// Which object holds which secret's newest value.
        let objects: [String: String]

        init(_ scratch: Scratch) throws {
            self.scratch = scratch
            let store = try SecretStore.openOrCreate(scratch.location)
            try store.create(["a": "value of a", "b": "value of b", "gone": "value"])
            old = scratch.everything
            try store.remove("gone")
            try store.rotate("b", to: "another value of b")
            try store.create(["c": "value of c"])
            var changes = StoreChanges()
            changes.putStackRecord("web", Array("record".utf8))
            try store.commit(changes)
            try store.audit([AuditEvent(.read, secret: "a", version: 1)])
            sound = scratch.everything
            let snapshot = try store.snapshot()
            objects = Dictionary(uniqueKeysWithValues: snapshot.secrets().map { (store.path(of: $0.newest.object), $0.name) })
        }

        /// What a change of a file leads to: what `verify` names, and what reading every secret gives.
        func look() throws -> (named: [String], read: [String: Result<String, StoreError>]) {
            var named: [String] = []
            do {
                named = try SecretStore.verify(scratch.location, with: passphrases())?.damages.map { "\($0.file): \($0.problem)" } ?? ["no store"]
            } catch {
                named = ["\(error)"]
            }
            var read: [String: Result<String, StoreError>] = [:]
            let opened = Result { () throws(StoreError) in
                guard let store = try SecretStore.open(scratch.location) else { throw .damaged(file: "none", what: .missing) }
                _ = try store.snapshot()
                return store
            }
            for name in values.keys {
                read[name] = opened.flatMap { store in
                    Result { () throws(StoreError) in
                        let value = try store.read(name)
                        return value.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
                    }
                }
            }
            return (named, read)
        }

        func restore() {
            for (file, bytes) in sound { scratch.overwrite(file, with: bytes) }
        }
    }

    /// After a change: it is named, and every secret is either read as it is or refused with an error that names a file.
    private func expectNoticed(_ victim: Victim, _ file: String, _ what: String) throws {
        let (named, read) = try victim.look()
        // Rolling back shows in the folder, not in a file.
        let names = [file, (file as String) == victim.scratch.head ? file : victim.scratch.location.directory]
        #expect(named.contains { entry in names.contains { entry.contains($0) } }, "\(file), \(what): \(named)")
        for (name, result) in read {
            switch result {
            case .success(let value): #expect(value == victim.values[name], "\(file), \(what): \(name) reads '\(value)'")
            case .failure(let error):
                #expect("\(error)".contains(victim.scratch.path), "\(file), \(what): \(error)")
                // The object of one secret is of no matter to the others.
                if let affected = victim.objects[file] { #expect(affected == name, "\(file), \(what): \(name) is refused: \(error)") }
                // Nor is the log.
                #expect(!file.contains("/log-"), "\(file), \(what): \(name) is refused: \(error)")
            }
        }
        if let affected = victim.objects[file] {
            #expect(throws: StoreError.self, "\(file), \(what)") { _ = try read[affected]!.get() }
        }
    }

    @Test func everyFlippedByteOfEveryFileIsNamedAndTheRestIsRead() throws {
        let victim = try Victim(scratch)
        #expect(try victim.look().named == [])
        var count = 0
        for (file, sound) in victim.sound where !file.hasSuffix("/lock") {
            // A head that is being written is looked at again, a thousand times, so it takes its time.
            for position in stride(from: 0, to: sound.count, by: file == scratch.head ? 9 : 1) {
                // Each bit of a byte has its turn at another byte.
                var bytes = sound
                bytes[position] ^= 1 << (position % 8)
                scratch.overwrite(file, with: bytes)
                try expectNoticed(victim, file, "byte \(position)")
                count += 1
            }
            scratch.overwrite(file, with: sound)
        }
        #expect(try victim.look().named == [])
        print("\(count) flipped bytes of \(victim.sound.count) files: each was named")
    }

    @Test func filesThatAreCutLongerGoneOrOthersAreNamedAndTheRestIsRead() throws {
        let victim = try Victim(scratch)
        for (file, sound) in victim.sound where !file.hasSuffix("/lock") {
            // What lies behind the head's lines, and behind the log's end, was being written when the machine stopped.
            let mayBeLonger = file.contains("/log-") || file == scratch.head
            for size in stride(from: 0, to: sound.count, by: max(1, sound.count / 20)) where size > 0 || file != scratch.head {
                scratch.overwrite(file, with: Array(sound[..<size]))
                try expectNoticed(victim, file, "cut to \(size) bytes")
            }
            if !mayBeLonger {
                scratch.overwrite(file, with: sound + [7])
                try expectNoticed(victim, file, "a byte longer")
            }
            for (other, content) in victim.sound where other != file && content != sound && !(content.isEmpty && file == scratch.head) {
                scratch.overwrite(file, with: content)
                try expectNoticed(victim, file, "the content of \(other)")
            }
            if let old = victim.old[file], old != sound {
                scratch.overwrite(file, with: old)
                // The head kept apart is the measure: an older one can't show.
                if file != scratch.head { try expectNoticed(victim, file, "its older content") }
            }
            unlink(file)
            try expectNoticed(victim, file, "gone")
            scratch.overwrite(file, with: sound)
        }
        #expect(try victim.look().named == [])
    }

    /// The whole folder as it was, each file of it sound: only what is kept apart of it tells.
    @Test func anOlderStoreIsNoticedWhateverPartOfItIsPutBack() throws {
        let victim = try Victim(scratch)
        let inside = victim.old.filter { $0.key.hasPrefix(scratch.location.directory + "/") }
        for leftOut in [nil, "index", "header", "log-", "lock"] {
            for (file, bytes) in inside where leftOut.map({ !file.contains("/" + $0) }) ?? true { scratch.overwrite(file, with: bytes) }
            let (named, read) = try victim.look()
            #expect(!named.isEmpty || leftOut == "index", "without \(leftOut ?? "nothing")")
            for (name, result) in read {
                if case .success(let value) = result { #expect(value == victim.values[name], "\(name) reads '\(value)'") }
            }
            // Files that came later are there still; nothing is lost when the newer ones come back.
            victim.restore()
            #expect(try victim.look().named == [])
        }
    }

    /// A key file, and what lies beside it, is the owner's alone, and a regular file.
    @Test func everyLooseModeOwnerAndKindIsRefusedAndNamed() throws {
        let victim = try Victim(scratch)
        for file in [scratch.location.keyFile, scratch.head] {
            let sound = scratch.bytes(of: file)
            let loose: [mode_t] = file == scratch.head ? [0o620, 0o602, 0o666] : [0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o666]
            for mode in loose {
                chmod(file, mode)
                try expectRefused(victim, file, "mode \(String(mode, radix: 8))")
            }
            chmod(file, 0o600)
            if geteuid() == 0 {
                chown(file, 12345, 0)
                try expectRefused(victim, file, "another owner")
                chown(file, 0, 0)
            }
            for kind in ["symbolic link", "folder", "FIFO"] {
                rename(file, file + ".aside")
                switch kind {
                case "folder": mkdir(file, 0o700)
                case "FIFO": mkfifo(file, 0o600)
                default: symlink(file + ".aside", file)
                }
                try expectRefused(victim, file, kind)
                if kind == "folder" { rmdir(file) } else { unlink(file) }
                rename(file + ".aside", file)
            }
            #expect(scratch.bytes(of: file) == sound)
        }
        // So are the folders that they lie in.
        for folder in [Paths.directory(of: scratch.location.keyFile), Paths.directory(of: scratch.head), scratch.location.directory, scratch.location.directory + "/objects"] {
            chmod(folder, 0o777)
            let (named, read) = try victim.look()
            #expect(named.contains { $0.contains(folder) }, "\(folder): \(named)")
            for result in read.values { #expect(throws: StoreError.self, "\(folder)") { _ = try result.get() } }
            chmod(folder, 0o700)
        }
        #expect(try victim.look().named == [])
    }

    private func expectRefused(_ victim: Victim, _ file: String, _ what: String) throws {
        let (named, read) = try victim.look()
        #expect(named.contains { $0.contains(file) }, "\(file), \(what): \(named)")
        for result in read.values {
            let error = #expect(throws: StoreError.self, "\(file), \(what)") { _ = try result.get() }
            #expect("\(String(describing: error))".contains(file), "\(file), \(what): \(String(describing: error))")
        }
    }
}

extension Scratch {
    /// Every file of the store, the key and what is kept beside it.
    fileprivate var everything: [String: [UInt8]] {
        var content = Dictionary(uniqueKeysWithValues: files.map { (location.directory + "/" + $0, bytes(of: $0)) })
        for file in [location.keyFile, head] { content[file] = bytes(of: file) }
        return content
    }
}
