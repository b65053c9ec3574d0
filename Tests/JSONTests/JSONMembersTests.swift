import Testing

@testable import JSON

@Suite struct JSONMembersTests {
    private struct Pair: JSONConvertible, Equatable {
        var name: String
        var count: UInt32?
        var inner: [Pair]

        init(name: String, count: UInt32? = nil, inner: [Pair] = []) {
            (self.name, self.count, self.inner) = (name, count, inner)
        }

        init(json: JSONValue) throws {
            var members = try JSONMembers(json)
            self.init(name: try members.read("name"), count: try members.readIfPresent("count"), inner: try members.readIfPresent("inner") ?? [])
        }

        var json: JSONValue {
            .members {
                $0.put("name", name)
                $0.put("count", count)
                $0.put("inner", inner.isEmpty ? nil : inner)
            }
        }
    }

    private func read(_ text: String) throws -> Pair { try Pair(json: JSONValue.parse(Array(text.utf8))) }

    @Test func membersComeBackInAnyOrder() throws {
        let pair = Pair(name: "a", count: 1, inner: [Pair(name: "b")])
        #expect(pair.json.serialized() == #"{"name":"a","count":1,"inner":[{"name":"b"}]}"#)
        #expect(try read(#"{"name":"a","count":1,"inner":[{"name":"b"}]}"#) == pair)
        #expect(try read(#"{"inner":[{"unknown":7,"name":"b"}],"count":1,"x":null,"name":"a"}"#) == pair)
    }

    @Test func nullIsNothing() throws {
        #expect(try read(#"{"name":"a","count":null}"#) == Pair(name: "a"))
        #expect(throws: DecodingError.self) { try read(#"{"name":null}"#) }
    }

    @Test func theFirstMemberOfANameCounts() throws {
        // The parser takes none with two.
        let twice = JSONValue.object([.init("count", 2), .init("name", "a"), .init("name", "b")])
        #expect(try Pair(json: twice).name == "a")
        #expect(try [String: String](json: .object([.init("a", "1"), .init("a", "2")])) == ["a": "1"])
    }

    @Test(arguments: [
        "[]", "\"text\"", "{}", #"{"name":1}"#, #"{"name":"a","count":-1}"#, #"{"name":"a","count":4294967296}"#, #"{"name":"a","count":"1"}"#,
        #"{"name":"a","inner":{}}"#, #"{"name":"a","inner":[{}]}"#,
    ])
    func whatIsNotInTheFormIsRefused(text: String) {
        #expect(throws: DecodingError.self) { try read(text) }
    }

    @Test func anErrorNamesTheMemberAndNotTheValue() throws {
        let error = #expect(throws: DecodingError.self) { try read(#"{"name":{"hunter2":"hunter3"}}"#) }
        #expect(!"\(try #require(error))".contains("hunter"))
        let missing = #expect(throws: DecodingError.self) { try read("{}") }
        #expect("\(try #require(missing))".contains("name"))
    }

    @Test func itGoesThroughCodableParents() throws {
        struct Parent: Codable, Equatable { var pairs: [Pair] }
        let parent = Parent(pairs: [Pair(name: "a", count: 1), Pair(name: "b")])
        #expect(String(decoding: try JSON.encode(parent), as: UTF8.self) == #"{"pairs":[{"name":"a","count":1},{"name":"b"}]}"#)
        #expect(try JSON.decode(Parent.self, from: JSON.encode(parent)) == parent)
    }

    @Test func equalDictionariesGiveEqualTexts() {
        #expect(["b": "2", "a": "1"].json.serialized() == #"{"a":"1","b":"2"}"#)
    }
}
