import Testing

@testable import Compose

/// What commands on what runs know of the files.
@Suite struct OutlineTests {
    @Test(arguments: [
        "services: {web: {command: x}, db: {command: x}}",
        "name: other\nservices: {web: {command: x, profiles: [debug]}, db: {command: x}}",
        "services: {web: {extends: {file: base.yaml, service: base}}}",
        "include: [more.yaml]\nservices: {web: {command: x}}",
        "x-common: &common {command: x}\nservices: {web: *common, db: {<<: *common}}",
        "services: {}\nvolumes: {v: }",
    ])
    func itHasTheServicesThatTheProjectHas(text: String) throws {
        let fixture = Fixture([
            "compose.yaml": text, "base.yaml": "services: {base: {command: x}}", "more.yaml": "services: {included: {command: x}}",
        ])
        let stack = try #require(fixture.load().project?.stack)
        let outline = fixture.outline()
        #expect(outline.projectName == stack.name)
        #expect(outline.services.map(Set.init) == Set(stack.services.map(\.name) + stack.disabledServices))
    }

    /// What would keep services from being started says nothing against stopping them.
    @Test(arguments: [
        "services: {web: {command: x, secrets: [missing]}, db: {command: x}}",
        "services: {web: {command: x, depends_on: [missing]}, db: {command: x}}",
    ])
    func whatServicesLackIsNoMatter(text: String) {
        let fixture = Fixture(["compose.yaml": "name: shop\n" + text])
        #expect(fixture.load().project == nil)
        #expect(fixture.outline().projectName == "shop" && fixture.outline().services == ["web", "db"])
    }

    @Test func aMisspeltAttributeLeavesTheNameCertain() {
        let outline = Fixture(["compose.yaml": "name: shop\nservices: {web: {comand: x}}"]).outline()
        #expect(outline.projectName == "shop" && outline.services == nil && outline.diagnostics.contains { $0.severity == .error })
    }

    @Test func aFileThatCannotBeReadSaysNothing() {
        let outline = Fixture(["compose.yaml": "services: ["]).outline()
        #expect(outline.projectName == nil && outline.services == nil && outline.diagnostics.contains { $0.severity == .error })
    }
}
