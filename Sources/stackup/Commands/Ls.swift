import Compose
import Linux
import Reconciler
import Runner
import SecretStore
import Terminal
import Words

/// `stackup ls`: the stacks of this user that run.
enum Ls {
    static let command = Command(
        "ls", summary: "List the stacks that run",
        discussion: "Those of the user who asks: every user has stacks of their own.",
        examples: [
            .init("stackup ls", "what runs on this host"),
            .init("stackup ls -a --format json", "stacks of which nothing runs any more too, for tools"),
            .init("stackup ls -q --filter name=shop", "only names, of those with 'shop' in them"),
        ],
        options: [
            .flag("all", short: "a", help: "Show stacks too whose services have all ended"),
            .repeated("filter", "name=TEXT", help: "Only those whose name contains the text"),
            .value("format", "FORMAT", help: ListFormat.help),
            .flag("quiet", short: "q", help: "Only names"),
        ],
        inheritedOptions: CommandTree.withoutProject)

    private static let columns: [ListFormat.Column] = [.init("ConfigFiles", header: "CONFIG FILES"), .init("Name"), .init("Status")]

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let wanted = try wantedNames(invocation)
        let store = store(invocation)
        var rows: [ListFormat.Row] = []
        let paths = invocation.paths
        let all = try names(in: paths.runtimeRoot) + paths.otherRuntimeRoots.flatMap { (try? names(in: $0)) ?? [] }
        for name in Set(all).sorted() where wanted.allSatisfy({ name.contains(part: $0) }) {
            guard let (instances, composeFiles) = look(at: name, invocation, store) else { continue }
            let shown = instances.filter { invocation.flag("all") || $0.status != .exited }
            guard !shown.isEmpty else { continue }
            let files = composeFiles.joined(separator: ",")
            let status = status(of: shown)
            rows.append(
                .init(
                    cells: [name, status, sanitizedForTerminal(files)],
                    document: .record([.init("Name", .string(name)), .init("Status", .string(status)), .init("ConfigFiles", .string(files))])))
            if invocation.flag("quiet") { invocation.streams.print(name) }
        }
        guard !invocation.flag("quiet") else { return 0 }
        try invocation.print(rows, header: ["NAME", "STATUS", "CONFIG FILES"], as: format, json: .array)
        return 0
    }

    /// - Returns: nil where it can't be known, which is said: the others are listed all the same.
    private static func look(at name: String, _ invocation: Invocation, _ store: SecretStore?) -> (instances: [ObservedInstance], files: [String])? {
        do {
            let session = try StackSession.observing(name, invocation, store: store)
            return (try session.observe().instances, session.record?.composeFiles ?? [])
        } catch {
            invocation.streams.warn("what runs of '\(name)' is not known: \(error)")
            return nil
        }
    }

    private static func wantedNames(_ invocation: Invocation) throws(UsageError) -> [String] {
        var names: [String] = []
        for filter in invocation.values("filter") {
            guard filter.hasPrefix("name=") else {
                throw invocation.arguments.usageError("there is no filter '\(filter)'", remedy: "write for example --filter name=shop")
            }
            names.append(String(filter.dropFirst("name=".count)))
        }
        return names
    }

    /// What runs can be told without the store; only the files' names can't.
    private static func store(_ invocation: Invocation) -> SecretStore? {
        do {
            return try invocation.openStoreUnasked()
        } catch {
            invocation.warnOfStore(error)
            return nil
        }
    }

    /// Of the folders that stacks have while they run.
    private static func names(in root: String) throws(SafePathError) -> [String] {
        guard let folder = try PrivateFolder.open(root, create: false) else { return [] }
        return DirectoryListing.names(in: folder.descriptor.number).filter { projectNameProblem($0) == nil }
    }

    /// `exited(1), running(2)`, as Compose has it.
    private static func status(of instances: [ObservedInstance]) -> String {
        Dictionary(grouping: instances, by: \.state).sorted { $0.key < $1.key }.map { "\($0.key)(\($0.value.count))" }
            .joined(separator: ", ")
    }
}
