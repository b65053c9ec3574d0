import Glibc
import Testing

/// SECURITY.md names the test of each promise; tests get other names, and documents don't notice.
@Suite struct PromiseTests {
    private let document: String

    init() throws {
        document = try #require(contents(of: packageDirectory + "/SECURITY.md"))
    }

    @Test func `each promise names a test, and what it names exists`() {
        let code = sources(below: packageDirectory + "/Tests")
        var previous = ""
        for row in rows {
            let names = quoted(in: row.tests)
            #expect(!names.isEmpty || row.tests.contains("the same") && !previous.isEmpty, "\(row.promise) names no test")
            for name in names {
                let exists = isTest(name, in: code)
                #expect(exists, "\(row.promise) names \(name), which there is not")
            }
            previous = row.tests
        }
        #expect(rows.count > 90)
    }

    @Test func `each transcript of an attack is named`() {
        for file in entries(of: packageDirectory + "/Tests/transcripts") where file.hasPrefix("attack-") || file.hasPrefix("isolation-") {
            #expect(document.contains("`\(file.dropLast(4))`"), "\(file)")
        }
    }

    @Test func `what does not exist is told from what does`() {
        let code = sources(below: packageDirectory + "/Tests")
        for name in ["attack-on-mounts", "Fixtures/guestbook/run", "PromiseTests", "each transcript of an attack is named"] {
            let exists = isTest(name, in: code)
            #expect(exists, "\(name)")
        }
        for name in ["attack-on-nothing", "Fixtures/nothing", "Promise", "each transcript"] {
            let exists = isTest(name, in: code)
            #expect(!exists, "\(name)")
        }
        #expect(quoted(in: "transcripts `one`, `two`; ``a `third` one``") == ["one", "two", "a `third` one"])
    }

    /// The rows of its tables of promises, which have three columns.
    private var rows: [(promise: String, tests: String)] {
        document.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("| "), !line.hasPrefix("| ---"), !line.hasPrefix("| promise ") else { return nil }
            let cells = line.dropFirst(2).split(separator: " | ")
            guard cells.count == 3 else { return (String(line), "") }
            return (String(cells[0]), String(cells[2].dropLast(2)))
        }
    }

    /// What stands between back-ticks, as many of them on either side.
    private func quoted(in text: String) -> [String] {
        var names: [String] = []
        var rest = text[...]
        while let start = rest.firstIndex(of: "`") {
            let ticks = rest[start...].prefix { $0 == "`" }
            rest = rest[ticks.endIndex...]
            guard let end = rest.indices.first(where: { rest[$0...].hasPrefix(ticks) }) else { break }
            names.append(String(rest[..<end]))
            rest = rest[end...].dropFirst(ticks.count)
        }
        return names
    }

    /// Whether it is a transcript, a file, or a test or a suite of the code's.
    private func isTest(_ name: String, in code: [CChar]) -> Bool {
        let files = ["\(packageDirectory)/Tests/transcripts/\(name).txt", "\(packageDirectory)/\(name)"]
        let declarations = ["func \(name)(", "func `\(name)`(", "@Test(\"\(name)\"", "struct \(name) {", "class \(name) {"]
        // Swift's own search takes a second for each.
        return files.contains { access($0, F_OK) == 0 } || declarations.contains { strstr(code, $0) != nil }
    }

    /// All Swift files there, one after the other.
    private func sources(below directory: String) -> [CChar] {
        func text(below directory: String) -> String {
            entries(of: directory).sorted().map { name in
                let path = directory + "/" + name
                if name.hasSuffix(".swift") { return contents(of: path) ?? "" }
                return name.contains(".") ? "" : text(below: path)
            }.joined(separator: "\n")
        }
        return Array(text(below: directory).utf8CString)
    }
}
