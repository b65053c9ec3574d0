import Glibc
import Linux
import Testing
import Waiting

@testable import SecretStore

/// The sign that something happened which the log could not tell of.
@Suite struct UnloggedTests {
    private let scratch = Scratch()

    private var signs: [String] { names(in: scratch.location.directory).filter { $0.hasPrefix("unlogged") }.sorted() }

    private let ended = AuditEvent(.revoked, secret: "a", stack: "shop", detail: "web:/run/secrets/a")

    private func prepared() throws -> SecretStore {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["a": "one"])
        #expect(try SecretStore.leaveUnloggedSign(scratch.location) != nil)
        #expect(signs == ["unlogged"])
        return store
    }

    private func revocations(in store: SecretStore) throws -> Int { try store.log().count { $0.event == ended } }

    @Test func whereThereIsNoStoreThereIsNoSign() throws {
        #expect(try SecretStore.leaveUnloggedSign(scratch.location) == nil)
        #expect(!isFolder(scratch.location.directory))
    }

    @Test func oneOfTwoThatComeAtOnceSeesToIt() throws {
        let (one, other) = (try prepared(), try #require(try SecretStore.open(scratch.location)))
        try one.settleUnlogged { told in
            #expect(told.map(\.kind).contains(.created))
            try other.settleUnlogged { _ in
                Issue.record("two see to it")
                return ([ended], true)
            }
            return ([ended], true)
        }
        try other.settleUnlogged { _ in
            Issue.record("it was seen to")
            return ([ended], true)
        }
        #expect(try revocations(in: other) == 1)
        #expect(signs == [])
    }

    @Test func itStaysWhereNothingCanBeKnownYetAndWhereThatFails() throws {
        let store = try prepared()
        try store.settleUnlogged { _ in ([], false) }
        #expect(signs == ["unlogged.taken"])
        #expect(throws: StoreError.self) { try store.settleUnlogged { _ in throw StoreError.noSuchSecret("x") } }
        #expect(signs == ["unlogged.taken"])
        try store.settleUnlogged { _ in ([ended], true) }
        #expect(try revocations(in: store) == 1)
        #expect(signs == [])
    }

    /// What happens while somebody compares is not compared any more.
    @Test func aSignThatIsLeftMeanwhileIsForTheNext() throws {
        let store = try prepared()
        try store.settleUnlogged { _ in
            try SecretStore.leaveUnloggedSign(scratch.location)
            return ([], true)
        }
        #expect(signs == ["unlogged"])
        try store.settleUnlogged { _ in ([ended], true) }
        #expect(try revocations(in: store) == 1)
        #expect(signs == [])
    }

    /// Who has told of it takes it back; unless it stands for what others have not told of.
    @Test func itIsTakenBackByWhoLeftItAlone() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        let mine = try #require(try SecretStore.leaveUnloggedSign(scratch.location))
        try store.takeBack(mine)
        #expect(signs == [])

        do {
            let first = try #require(try SecretStore.leaveUnloggedSign(scratch.location))
            let second = try #require(try SecretStore.leaveUnloggedSign(scratch.location))
            for sign in [second, first] { try store.takeBack(sign) }
            #expect(signs.count == 1)
            // While those who left it may still tell of it themselves, nobody else does.
            try store.settleUnlogged { _ in
                Issue.record("it was seen to twice")
                return ([ended], true)
            }
            withExtendedLifetime((first, second)) {}
        }
        // Processes that other tests start just then hold the two until they execute something (flock(2)).
        try eventually {
            try store.settleUnlogged { _ in ([], true) }
            return signs.isEmpty
        }
        #expect(signs == [])
    }

    /// A right that is given after it was looked for has not ended.
    @Test func whatWasNotedMeanwhileIsLookedAtAgain() throws {
        let store = try prepared()
        let granted = AuditEvent(.granted, secret: "a", stack: "shop", detail: "web:/run/secrets/a")
        var looks = 0
        try store.settleUnlogged { told in
            looks += 1
            guard looks == 1 else { return (told.contains(granted) ? [] : [ended], true) }
            try #require(try SecretStore.open(scratch.location)).audit([granted])
            return ([ended], true)
        }
        #expect(looks == 2)
        #expect(try revocations(in: store) == 0)
        #expect(signs == [])
    }

    /// One that somebody has begun to see to, and let be, may be taken back; a later one under the same name may not.
    @Test func oneThatWasTakenMeanwhileIsTakenBackAllTheSame() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        let mine = try #require(try SecretStore.leaveUnloggedSign(scratch.location))
        try store.settleUnlogged { _ in ([], false) }
        let later = try #require(try SecretStore.leaveUnloggedSign(scratch.location))
        try store.takeBack(later)
        #expect(signs == ["unlogged", "unlogged.taken"])
        try store.takeBack(mine)
        #expect(signs == ["unlogged"])
        try store.takeBack(mine)
        #expect(signs.count == 1)
    }
}

/// What an `up` does that began before a `seal` was done, and has still seen the file.
@Suite struct LateUnsealTests {
    private let scratch = Scratch()

    @Test func theMarkOfASealGoesOnlyWhereTheFileIsThere() throws {
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["token": "one"])
        var seal = StoreChanges()
        seal.setSealed(true, of: "token")
        try store.commit(seal)
        let file = scratch.path + "/token.txt"
        for isThere in [false, true] {
            if isThere { scratch.overwrite(file, with: Array("one".utf8)) }
            var late = StoreChanges()
            late.unseal("token", becauseOf: file)
            let after = try store.commit(late)
            #expect(after.secret("token")?.isSealed == !isThere)
        }
    }
}
