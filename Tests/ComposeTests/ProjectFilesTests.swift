import Testing

@testable import Compose

@Suite struct ProjectFilesTests {
    private let minimal = "services: {web: {command: x}}"

    @Test func theDefaultNamesAreFoundInOrderAndFromBelow() throws {
        let fixture = Fixture(["compose.yml": minimal, "docker-compose.yml": minimal, "sub/dir/file": ""])
        let result = fixture.load(in: "sub/dir")
        #expect(result.project?.stack.composeFiles == [fixture.directory + "/compose.yml"])
        #expect(result.project?.stack.workingDirectory == fixture.directory)
        #expect(result.warnings.first?.hasPrefix("found multiple config files") == true)
    }

    @Test func theOverrideFileIsMergedUnlessFilesAreNamed() throws {
        let fixture = Fixture([
            "compose.yaml": minimal, "compose.override.yaml": "services: {web: {hostname: over}}",
        ])
        #expect(fixture.load().project?.stack.services.first?.hostname == "over")
        #expect(fixture.load(files: ["compose.yaml"]).project?.stack.services.first?.hostname == nil)
    }

    @Test func noFileIsAnErrorThatSaysWhatToDo() {
        let result = Fixture().load()
        #expect(result.project == nil && result.errors.first?.contains("no configuration file provided") == true)
    }

    @Test func composeFileMayStandInTheEnvFile() {
        let fixture = Fixture([".env": "COMPOSE_FILE=a.yml,b.yml\nCOMPOSE_PATH_SEPARATOR=,\n", "a.yml": minimal, "b.yml": "services: {web: {hostname: b}}"])
        #expect(fixture.load().project?.stack.services.first?.hostname == "b")
    }

    @Test func aFileMayComeFromStandardInput() {
        let fixture = Fixture()
        let result = fixture.load(files: ["-"], name: "p", standardInput: "services: {web: {command: x, prots: 1}}")
        #expect(result.diagnostics.first?.location?.file == "-")
        #expect(fixture.load(files: ["-"], name: "p", standardInput: minimal).project?.stack.name == "p")
    }

    @Test func theNameComesFromTheNearestSource() {
        let fixture = Fixture(["My Dir/compose.yaml": minimal, "named/compose.yaml": "name: in-${V}\n" + minimal])
        #expect(fixture.load(in: "My Dir").project?.stack.name == "mydir")
        #expect(fixture.load(environment: ["V": "file"], in: "named").project?.stack.name == "in-file")
        #expect(fixture.load(environment: ["COMPOSE_PROJECT_NAME": "env"], in: "named").project?.stack.name == "env")
        #expect(fixture.load(name: "given", environment: ["COMPOSE_PROJECT_NAME": "env"], in: "named").project?.stack.name == "given")
    }

    @Test func anInvalidNameIsRefused() {
        #expect(projectNameProblem("web-1_a") == nil)
        for name in ["", "Web", "_a", "-a", "a b", "ä"] { #expect(projectNameProblem(name) != nil) }
        #expect(Fixture(["compose.yaml": minimal]).load(name: "A").errors.count == 1)
    }

    @Test(arguments: ["", "# nothing\n", "- a\n", "x"])
    func aFileWithoutAModelIsAnError(text: String) {
        #expect(Fixture.errors(text).count == 1)
    }

    @Test func everyErrorOfEveryFileIsReportedInOrder() {
        let fixture = Fixture([
            "a.yaml": "services:\n  web:\n    prots: 1\n    command: x\n    ports: y\n",
            "b.yaml": "services:\n  web:\n    restart: allways\n    depends_on: [nope]\n",
        ])
        let places = fixture.load(files: ["a.yaml", "b.yaml"]).diagnostics.filter { $0.severity == .error }.map {
            "\($0.location?.file ?? "") \($0.location?.line ?? 0)"
        }
        #expect(places == ["a.yaml 3", "a.yaml 5", "b.yaml 3", "b.yaml 4"])
    }
}
