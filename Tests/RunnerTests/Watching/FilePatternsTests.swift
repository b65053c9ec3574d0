import Testing

@testable import Runner

/// The cases are those of Docker's documentation of `.dockerignore`, and of Go's of `filepath.Match`.
@Suite struct FilePatternsTests {
    private func matches(_ texts: [String], _ path: String) throws -> Bool { try FilePatterns(texts, in: "/project/src").match(path) }

    @Test(arguments: [
        ("temp", "temp"), ("temp", "temp/deep/file"), ("temp/", "temp"), ("./temp", "temp/x"), ("*/temp*", "a/temporary.txt"), ("*/*/temp*", "a/b/temp"),
        ("temp?", "tempa"), ("*.md", "README.md"), ("**/*.go", "a.go"), ("**/*.go", "x/y/a.go"), ("a/**", "a/b/c"), ("a/**/c", "a/c"),
        ("a/**/c", "a/b/b/c"), ("[a-c]x", "bx"), ("[^a]x", "bx"), ("\\*", "*"), ("[\\]]", "]"), (" padded ", "padded"), (".", "anything/at/all"),
        ("/project/src/a", "a/b"), ("x/../y", "y"), ("**", "a/b"), ("**/node_modules", "a/node_modules/b.js"), ("ä?", "äö"), ("*", "a/b"),
    ]) func aPatternMatchesPathsAndWhatIsBelow(_ pattern: String, _ path: String) throws {
        #expect(try matches([pattern], path))
    }

    @Test(arguments: [
        ("temp", "temporary"), ("temp", "a/temp"), ("*/temp*", "temp"), ("temp?", "temp"), ("temp?", "temp/"), ("*.md", "a/README.md"),
        ("[a-c]x", "dx"), ("[^a]x", "ax"), ("[^a]x", "/x"), ("a/**", "b/a"), ("/project/other/a", "a"), ("../src/a", "a"), ("", "a"), ("a*", "b"),
        ("\\*", "a"), ("a/**/c", "a/b/d"),
    ]) func aPatternDoesNotMatchOthers(_ pattern: String, _ path: String) throws {
        #expect(try !matches([pattern], path))
    }

    @Test func anExceptionTakesBackWhatWasMatchedBeforeIt() throws {
        #expect(try matches(["*.md", "!README*.md", "README-secret.md"], "README-secret.md"))
        #expect(try !matches(["*.md", "!README*.md"], "README.md"))
        #expect(try !matches(["!a", "b"], "a"))
        #expect(try matches(["!a", "a"], "a"))
        #expect(try !matches(["sub", "!sub/kept"], "sub/kept/x"))
        #expect(try FilePatterns(["!a"], in: "/").hasExceptions && !FilePatterns(["a"], in: "/").hasExceptions)
    }

    @Test(arguments: ["[", "[]", "[a", "[a-]", "[c-a]", "!", "[\\"]) func whatIsNoPatternIsRefused(_ text: String) {
        #expect(throws: FilePatterns.Malformed.self) { try FilePatterns([text], in: "/") }
    }

    /// Tried one by one, the ways to match this one are more than can be counted.
    @Test(.timeLimit(.minutes(30))) func noPatternTakesForEver() throws {
        #expect(try !matches([String(repeating: "**/*a*", count: 20) + "z"], String(repeating: "a/a", count: 60)))
    }

    @Test(arguments: [".git/HEAD", "a/.git", ".idea/x", "a/.file.swp", ".x.swx", "file~", "4913", "a/.#lock", "x___jb_tmp___", "x___jb_old___"])
    func whatEditorsLeaveIsTransient(_ path: String) { #expect(TransientFiles.contain(path)) }

    @Test(arguments: [".gitignore", "a.git/x", "file.swp", "49130", "git", "", ".env", "swp"])
    func whatPeopleWriteIsNot(_ path: String) { #expect(!TransientFiles.contain(path)) }

    @Test func whatDescribesTheProjectIsNoPartOfIt() {
        for name in ["Dockerfile", "compose.yaml", "docker-compose.override.yml", "a/compose.yml"] { #expect(TransientFiles.isDescription(name)) }
        for name in ["Dockerfile.txt", "compose.json", "my-compose.yaml"] { #expect(!TransientFiles.isDescription(name)) }
    }
}
