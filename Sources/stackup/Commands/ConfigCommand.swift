import Compose
import JSON
import SecretStore
import Terminal

/// `stackup config`: validate the files and print the resolved model.
enum ConfigCommand {
    static let command = Command(
        "config", summary: "Validate the Compose files and print the resolved model",
        examples: [
            .init("stackup config -q", "only validate, for CI"),
            .init("stackup config --format json", "the resolved model as JSON"),
            .init("stackup -f base.yml -f prod.yml config --services", "the names of the enabled services"),
        ],
        options: [
            .flag("quiet", short: "q", help: "Only validate, print nothing"),
            .choice("format", ["yaml", "json"], help: "How to print it (default yaml)"),
            .flag("services", help: "Print the services' names"),
            .flag("volumes", help: "Print the volumes' names"),
            .flag("images", help: "Print the images' names"),
            .flag("profiles", help: "Print the profiles' names"),
            .flag("hash", help: "Print a hash of each service's configuration"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        let project = try invocation.loadProject(services: invocation.operands, for: .printing)
        if invocation.flag("quiet") { return 0 }
        let streams = invocation.streams
        if let lines = list(project.stack, invocation) {
            for line in lines { streams.print(line) }
        } else if invocation.wantsJSON {
            streams.print(project.jsonDocument.serialized(pretty: true), terminator: "")
        } else {
            streams.print(renderYAML(project.document), terminator: "")
        }
        return 0
    }

    /// The lines of the option that asks for a list; nil where none does.
    private static func list(_ stack: Stack, _ invocation: Invocation) -> [String]? {
        if invocation.flag("services") { return stack.services.map(\.name) }
        if invocation.flag("volumes") { return stack.volumes.map(\.key) }
        if invocation.flag("profiles") { return stack.profiles }
        if invocation.flag("images") { return Set(stack.services.compactMap(\.image)).sorted() }
        if invocation.flag("hash") { return stack.services.map { "\($0.name) \(hash(of: $0))" } }
        return nil
    }

    private static func hash(of service: Service) -> String {
        contentHash(Array(service.attributes.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined().utf8))
    }
}
