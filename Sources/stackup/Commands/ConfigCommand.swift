import Compose
import Glibc
import JSON
import Linux
import SecretStore
import Terminal

/// `stackup config`: validate the files and print the resolved model.
enum ConfigCommand {
    static let command = Command(
        "config", summary: "Validate the Compose files and print the resolved model",
        discussion: """
            Prints the model in the form that 'docker compose config' prints, with services in the order of their names.
            With services named, only they and what they depend on are in it.
            """, aliases: ["convert"],
        examples: [
            .init("stackup config -q", "only validate, for CI"),
            .init("stackup config --format json", "the resolved model as JSON"),
            .init("stackup -f base.yml -f prod.yml config --services", "the names of the enabled services"),
            .init("stackup config --variables", "the variables that the files refer to"),
        ],
        options: [
            .flag("quiet", short: "q", help: "Only validate, print nothing"),
            .value("format", "yaml|json", help: "How to print it (default yaml)"),
            .value("output", short: "o", "FILE", help: "Write the model to this file instead of standard output"),
            .flag("services", help: "Print the services' names"),
            .flag("volumes", help: "Print the names of the volumes that services use"),
            .flag("networks", help: "Print the names of the networks that services use"),
            .flag("models", help: "Print the names of the models that services use"),
            .value("hash", "SERVICE,...|*", help: "Print a hash of each service's configuration"),
            .flag("profiles", help: "Print the profiles' names"),
            .flag("images", help: "Print the images' names"),
            .flag("variables", help: "Print the variables of the files, with their defaults"),
            .flag("environment", help: "Print the variables that interpolation sees, with their values"),
            .flag("no-interpolate", help: "Leave variables as they are"),
            .flag("no-normalize", help: "Don't add what follows from the files: names, the default network, dependencies"),
            .flag("no-path-resolution", help: "Leave relative paths as they are"),
            .flag("no-consistency", help: "Don't check that what is referred to is there"),
            .flag("no-env-resolution", help: "Taken for compatibility: env files are always read"),
            .flag("resolve-image-digests", help: "Not yet: stackup has no access to registries"),
            .flag("lock-image-digests", help: "Not yet: stackup has no access to registries"),
        ],
        arguments: [.init("SERVICE", .any)])

    static func run(_ invocation: Invocation) throws -> Int32 {
        for option in ["resolve-image-digests", "lock-image-digests"] where invocation.flag(option) {
            throw CommandFailure("--\(option) needs a registry, and stackup has no access to registries yet")
        }
        if let lines = try ConfigListing(invocation).lines() {
            for line in lines { invocation.streams.print(line) }
            return 0
        }
        let render = try load(invocation)
        // To take a large model apart costs a tenth of all that was done, and the process is about to end.
        defer { _ = Unmanaged.passRetained(Kept(render)) }
        if invocation.flag("quiet") { return 0 }
        let content = render()
        if let path = invocation.value("output"), !path.isEmpty {
            try write(content, to: path)
        } else {
            invocation.streams.print(content, terminator: "")
        }
        return 0
    }

    /// Loads the model, and leaves it to the caller to have it put in words, which takes as long again.
    private static func load(_ invocation: Invocation) throws -> () -> String {
        let format = invocation.value("format") ?? ""
        guard ["", "yaml", "json"].contains(format) else {
            throw invocation.arguments.usageError(
                "option '--format' does not take '\(format)'", remedy: "give one of yaml, json")
        }
        if invocation.flag("no-interpolate") {
            let model = try invocation.loadUninterpolatedModel(for: .printing).value
            return { invocation.wantsJSON ? model.serialized(pretty: true) : renderYAML(model) }
        }
        let project = try invocation.loadProject(services: invocation.operands, for: .printing)
        if !invocation.flag("quiet") { noteSealed(project.stack, invocation) }
        return { invocation.wantsJSON ? project.jsonDocument.serialized(pretty: true) : renderYAML(project.document) }
    }

    /// Says which files of secrets are gone on purpose.
    private static func noteSealed(_ stack: Stack, _ invocation: Invocation) {
        for declaration in invocation.sealedSecrets(of: stack) {
            invocation.streams.note("secret '\(declaration.storeName)' is sealed: the store has its value, and its file is not needed")
        }
    }

    private final class Kept {
        private let value: Any
        init(_ value: Any) { self.value = value }
    }

    private static func write(_ content: String, to path: String) throws(CommandFailure) {
        do {
            let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, mode: 0o666)
            guard put(content, to: file.number) else { throw CommandFailure("\(path): the model could not be written") }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            let reason = (error as? SystemCallError).map { String(cString: strerror($0.code)).lowercased() } ?? "\(error)"
            throw CommandFailure("\(path): the model could not be written: \(reason)")
        }
    }
}
