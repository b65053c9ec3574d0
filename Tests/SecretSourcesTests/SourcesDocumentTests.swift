import Glibc
import Linux
import Testing

@testable import SecretSources

/// docs/secret-sources.md has a section for each driver, with the options that it takes.
@Suite struct SourcesDocumentTests {
    private static let path = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/docs/secret-sources.md"

    private static func table(of options: [DriverOption]) -> [String] {
        ["| option | | otherwise |", "| --- | --- | --- |"]
            + options.map { option in
                let choices = option.choices.isEmpty ? "" : ": " + option.choices.map { "`\($0)`" }.joined(separator: ", ")
                return "| `\(option.name)` | \(option.summary)\(choices) | \(option.isRequired ? "required" : option.otherwise ?? "") |"
            }
    }

    private static func text() throws -> String {
        String(decoding: try FileDescriptor.open(path, O_RDONLY).readAll() ?? [], as: UTF8.self)
    }

    @Test func theTablesSayWhatTheDriversTake() throws {
        let text = try Self.text()
        var lines: [String] = []
        var isInTable = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line == "<!-- end -->" { isInTable = false }
            if !isInTable { lines.append(String(line)) }
            guard line.hasPrefix("<!-- options: ") else { continue }
            isInTable = true
            let name = line.dropFirst("<!-- options: ".count).dropLast(" -->".count)
            let driver = try #require(DriverRegistry.drivers.first { $0.name == name }, "the document has a driver '\(name)'")
            lines += Self.table(of: driver.options)
        }
        let expected = lines.joined(separator: "\n")
        if getenv("STACKUP_WRITE_DOCS") != nil {
            try FileDescriptor.open(Self.path, O_WRONLY | O_TRUNC).writeAll(Array(expected.utf8))
        }
        #expect(try Self.text() == expected, "docs/secret-sources.md is out of date; write it with STACKUP_WRITE_DOCS=1")
    }

    @Test func eachDriverHasASection() throws {
        let lines = try Self.text().split(separator: "\n")
        for driver in DriverRegistry.drivers {
            #expect(lines.contains("## \(driver.name)"))
            #expect(lines.contains("<!-- options: \(driver.name) -->"))
        }
        #expect(lines.filter { $0.hasPrefix("| [`") }.count == DriverRegistry.drivers.count)
    }
}
