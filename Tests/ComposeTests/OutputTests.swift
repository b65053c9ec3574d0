import JSON
import Testing

@testable import Compose

@Suite struct OutputTests {
    @Test func theModelIsPrintedInComposesOrderAndForm() throws {
        let fixture = Fixture(["compose.yaml": """
            name: demo
            x-top: {b: 1, a: [1, 2.5, null, ""]}
            services:
              web:
                ports: ["8080:80"]
                image: nginx
                command: echo $$HOME
                environment: [B=2, A]
                volumes: ["data:/data"]
                secrets: [s]
                depends_on: [db]
                labels: {on: "y"}
                healthcheck: {test: curl, interval: 90s}
              db: {command: x, network_mode: host}
            volumes: {data: , unused: }
            secrets: {s: {environment: S}}
            """])
        #expect(renderYAML(try #require(fixture.load().project).document) == """
            name: demo
            services:
              db:
                command:
                  - x
                network_mode: host
              web:
                command:
                  - echo
                  - $$HOME
                depends_on:
                  db:
                    condition: service_started
                    required: true
                environment:
                  A: null
                  B: "2"
                image: nginx
                healthcheck: null
            """.replacing("    image: nginx\n    healthcheck: null", with: "    healthcheck:\n      test:\n        - CMD-SHELL\n        - curl\n      interval: 1m30s\n    image: nginx\n    labels:\n      \"on\": \"y\"\n    networks:\n      default: null\n    ports:\n      - mode: ingress\n        target: 80\n        published: \"8080\"\n        protocol: tcp\n    secrets:\n      - source: s\n        target: /run/secrets/s\n    volumes:\n      - type: volume\n        source: data\n        target: /data\n        volume: {}\nnetworks:\n  default:\n    name: demo_default\nvolumes:\n  data:\n    name: demo_data\nsecrets:\n  s:\n    name: demo_s\n    environment: S\nx-top:\n  a:\n    - 1\n    - 2.5\n    - null\n    - \"\"\n  b: 1\n"))
    }

    @Test(arguments: [
        ("plain", "plain"), ("", "\"\""), ("1", "\"1\""), ("true", "\"true\""), ("null", "\"null\""), ("~", "\"~\""), ("yes", "\"yes\""),
        ("1_000", "\"1_000\""), ("12:30:45", "\"12:30:45\""), ("2020-01-01", "\"2020-01-01\""), (" x", "' x'"), ("x ", "'x '"),
        ("a: b", "'a: b'"), ("a:b", "a:b"), ("a #b", "'a #b'"), ("a#b", "a#b"), ("#x", "'#x'"), ("- a", "'- a'"), ("-a", "-a"),
        ("*x", "'*x'"), ("@x", "'@x'"), ("it's", "it's"), ("'q'", "'''q'''"), ("a\tb", "\"a\\tb\""), ("a\\b", "a\\b"),
        ("a\nb", "|-\n  a\n  b"), ("a\n", "|\n  a"), ("a\n\n", "|+\n  a\n"), ("  a\nb", "|2-\n    a\n  b"), ("a \nb", "\"a \\nb\""),
        ("a\r\nb", "\"a\\r\\nb\""), ("é", "é"), ("😀", "\"\\U0001F600\""), ("\u{1}", "\"\\x01\""), ("a, b", "a, b"), ("---", "'---'"),
        ("80:80", "80:80"), ("=", "="), (".inf", "\".inf\""), ("{", "'{'"), ("%a", "'%a'"), ("?x", "?x"), ("a:", "'a:'"),
    ])
    func textsAreQuotedAsComposeDoes(text: String, yaml: String) {
        #expect(renderYAML(.object([.init("k", .string(text))])) == "k: \(yaml)\n")
    }

    @Test func theJSONFormHasWhatComposesHas() throws {
        let fixture = Fixture(["compose.yaml": "name: p\nservices: {a: {image: i, deploy: {}, x-b: 1, environment: {x-c: 1}}}"])
        #expect(try #require(fixture.load().project).jsonDocument.serialized()
            == #"{"name":"p","networks":{"default":{"name":"p_default","ipam":{}}},"services":{"a":{"command":null,"deploy":{"resources":{},"placement":{}},"entrypoint":null,"environment":{"x-c":"1"},"image":"i","networks":{"default":null}}}}"#)
    }

    @Test func keysAreInTheOrderOfPeopleInYAMLAndOfBytesInJSON() {
        let people = ["", "1", "2", "10", "A_1", "A_2", "A_10", "A_100", "A1", "A1B", "AB", "B", "a", "é", "ü1", "ü2", "ü10"]
        for (index, key) in people.enumerated() {
            for other in people[..<index] { #expect(KeyOrder.yaml(other, key) && !KeyOrder.yaml(key, other)) }
            #expect(!KeyOrder.yaml(key, key))
        }
        #expect(people.shuffled().sorted(by: KeyOrder.json) == people.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) })
    }

    @Test func thePrintedModelLoadsToTheSameModel() throws {
        let fixture = Fixture(["compose.yaml": """
            name: p
            services: {a: {command: ["$$x", "multi\\nline "], environment: {E: "$$"}, ulimits: {core: 1}, tmpfs: [/t], configs: [c]}}
            configs: {c: {content: "a $$b\\n"}}
            """])
        let first = try #require(fixture.load().project)
        fixture.write("again.yaml", renderYAML(first.document))
        let second = try #require(fixture.load(files: ["again.yaml"]).project)
        #expect(renderYAML(second.document) == renderYAML(first.document))
        #expect(second.stack.services.first?.attributes == first.stack.services.first?.attributes)
    }

    /// Cut and flipped files go through every stage: an answer, whatever it is.
    @Test func damagedProjectsNeverCrash() {
        let text = Array("services: {a: {command: x, ports: ['80:80'], secrets: [s, {source: s, mode: 0440}], volumes: ['./a:/b', {type: tmpfs, target: /t}], extends: b, depends_on: [b], environment: [A=$B], ulimits: {core: 1}, deploy: {replicas: 1}}, b: {build: ., networks: [n]}}\nsecrets: {s: {file: x}}\nnetworks: {n: }\ninclude: []\n".utf8)
        let fixture = Fixture()
        for index in stride(from: 0, to: text.count, by: 1) {
            for flip: UInt8 in [1, 2, 8] {
                var damaged = text
                damaged[index] ^= flip
                let bytes = damaged
                _ = loadProject(ProjectOptions(files: ["-"], projectName: "p", workingDirectory: fixture.directory, standardInput: { bytes }))
            }
            let cut = Array(text[..<index])
            _ = loadProject(ProjectOptions(files: ["-"], projectName: "p", workingDirectory: fixture.directory, standardInput: { cut }))
        }
    }
}
