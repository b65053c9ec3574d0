import Glibc
import Testing
@testable import Compose

/// What docs/attributes.md says of the attributes is what the code does with them.
@Suite struct AttributeDocumentTests {
    private static let path = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/docs/attributes.md"

    @Test func theDocumentSaysWhatTheCodeDoes() {
        let expected = AttributeDocument(attributeStates()).text
        if getenv("STACKUP_WRITE_DOCS") != nil { Self.write(expected) }
        let isCurrent = Self.read() == expected
        #expect(isCurrent, "docs/attributes.md is out of date; write it with STACKUP_WRITE_DOCS=1. It should read:\n\(expected)")
    }

    @Test func noAttributeIsListedTwice() {
        let paths = attributeStates().map(\.path)
        #expect(Set(paths).count == paths.count)
    }

    private static func read() -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String) {
        guard let file = fopen(path, "we") else { return }
        defer { fclose(file) }
        fwrite(Array(text.utf8), 1, text.utf8.count, file)
    }
}
