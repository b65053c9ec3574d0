import Glibc
import Linux
import SecretStore
import Testing

@Suite struct KeyFileTests {
    let scratch = Scratch()
    var keyFile: String { scratch.location.keyFile }

    init() throws {
        try SecretStore.openOrCreate(scratch.location).create(["a": "one"])
    }

    /// What opening says; both ways must say the same, and leave no new key or store behind.
    func refusal() -> StoreError? {
        let before = scratch.bytes(of: "header")
        let opening = #expect(throws: StoreError.self) { _ = try SecretStore.open(scratch.location) }
        let creating = #expect(throws: StoreError.self) { _ = try SecretStore.openOrCreate(scratch.location) }
        #expect(opening == creating)
        #expect(scratch.bytes(of: "header") == before)
        return opening
    }

    @Test func aKeyIsThirtyTwoBytes() {
        #expect(scratch.bytes(of: keyFile).count == 32)
    }

    @Test(arguments: [0o640, 0o604, 0o660, 0o610, 0o644] as [mode_t])
    func aKeyThatOthersCanReadIsRefused(mode: mode_t) {
        chmod(keyFile, mode)
        let text = refusal()?.description ?? ""
        #expect(text.hasPrefix("\(keyFile): the key file is open to others (mode 0\(String(mode, radix: 8)))"))
        #expect(text.contains("chmod 600"))
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func aKeyOfSomeoneElseIsRefused() {
        chown(keyFile, 12345, 0)
        #expect(refusal()?.description.contains("belongs to user 12345, not to user 0") == true)
    }

    @Test func anotherStoresKeyIsRefused() throws {
        let other = Scratch()
        _ = try SecretStore.openOrCreate(other.location)
        scratch.overwrite(keyFile, with: other.bytes(of: other.location.keyFile))
        #expect(refusal() == .foreignKey(keyFile: keyFile, header: scratch.location.directory + "/header"))
    }

    @Test func aLostKeyIsNotMadeAnew() throws {
        unlink(keyFile)
        #expect(refusal() == .keyMissing(keyFile: keyFile, directory: scratch.location.directory))
        #expect(scratch.configuration.isEmpty)
    }

    @Test func aKeyOfTheWrongSizeIsRefused() {
        for count in [0, 31, 33, 100_000] {
            scratch.overwrite(keyFile, with: [UInt8](repeating: 1, count: count))
            #expect(
                refusal() == .malformedKey(keyFile: keyFile, problem: "it has \(count) bytes, a key has 32"))
        }
    }

    @Test func aLinkOrAFIFOInItsPlaceIsRefused() {
        rename(keyFile, keyFile + ".real")
        symlink(keyFile + ".real", keyFile)
        #expect(refusal()?.description.contains("symbolic link") == true)
        unlink(keyFile)
        mkfifo(keyFile, 0o600)
        #expect(refusal()?.description.contains("the key file is not a regular file") == true)
    }

    @Test func aKeyThatIsThereIsUsedByANewStore() throws {
        let key = scratch.bytes(of: keyFile)
        var location = scratch.location
        location.directory += "-second"
        try SecretStore.create(location, with: .keyFile(keyFile))
        try SecretStore.open(location)?.create(["b": "two"])
        #expect(scratch.bytes(of: keyFile) == key)
        #expect(try SecretStore.open(location)?.text("b") == "two")
        #expect(try SecretStore.open(scratch.location)?.text("a") == "one")
    }
}
