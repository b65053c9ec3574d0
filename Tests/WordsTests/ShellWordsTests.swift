import Testing
import Words

@Suite struct ShellWordsTests {
    @Test(arguments: [["a"], ["./new", "for db"], [""], ["it's", "'", "''", "a\"b"], ["$(x)", "`y`", "a;b", "&&", ">", "\\", "(", "ä\n\t"], []])
    func wordsThatAreJoinedAreSplitAgain(words: [String]) throws {
        #expect(try ShellWords.split(ShellWords.joined(words)) == words)
    }

    @Test func commandsAreSplitAsAShellSplitsThem() throws {
        #expect(try ShellWords.split(#"a "b c" 'd \e' f\ g "" "h\"i""#) == ["a", "b c", #"d \e"#, "f g", "", "h\"i"])
        #expect(try ShellWords.split("a b2>c") == ["a", "b2"] && ShellWords.split("a 2>b") == ["a"])
        #expect(try ShellWords.split("a && b") == ["a"] && ShellWords.split("a '&&' b") == ["a", "&&", "b"])
        #expect(try ShellWords.split("a $(b c) `d e`") == ["a", "$(b c)", "`d e`"])
        #expect(try ShellWords.command(in: "ä b && c").end == 5 && ShellWords.command(in: "a 2>b").end == 3)
        #expect(try ShellWords.command(in: "a '&&' \\; `b | c`").end == nil)
        for text in ["a 'b", "a (b)", "a $(b", "a \\"] {
            #expect(throws: ShellWords.Problem.self) { try ShellWords.split(text) }
        }
    }
}
