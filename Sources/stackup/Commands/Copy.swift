import Glibc
import Linux
import Reconciler
import Runner
import Terminal

/// `stackup cp`: files between a service and the host.
enum Copy {
    static let command = Command(
        "cp", summary: "Copy files between a service and the host",
        discussion: """
            Copies a file, a symbolic link or a folder with all that is below it. One of the two paths is a running service's; the other one may be \
            '-', which is an archive (tar) on standard output or input. A path that is a folder is copied into; a source that ends in '/.' is the \
            folder's content. In the service it is done with the service's rights: what its user can't read isn't copied, and what arrives \
            belongs to that user. Devices, FIFOs and sockets are left out, and setuid with them.
            """,
        usage: "[OPTIONS] SERVICE:PATH PATH|-\n    stackup cp [OPTIONS] PATH|- SERVICE:PATH",
        examples: [
            .init("stackup cp web:/var/log/app ./logs", "a folder out of the service"),
            .init("stackup cp site.conf web:/tmp/", "a file into every instance of web"),
            .init("stackup cp web:/data - | tar t", "what there is in a folder"),
        ],
        options: [
            .flag("archive", short: "a", help: "Keep owners, by number"),
            .flag("follow-link", short: "L", help: "Where the source is a symbolic link, copy what it leads to"),
            .value("index", "N", help: "The instance, if the service has several (default: the first to copy from, all to copy to)"),
        ],
        arguments: [.init("SOURCE"), .init("DESTINATION")])

    /// One of the two paths.
    private enum End {
        case host(String)
        case stream
        case service(String, path: String)

        /// `./a:b` and `/a:b` are paths of the host.
        init(_ text: String) {
            if text == "-" {
                self = .stream
            } else if !text.hasPrefix("/"), !text.hasPrefix("."), let colon = text.firstIndex(of: ":") {
                self = .service(String(text[..<colon]), path: String(text[text.index(after: colon)...]))
            } else {
                self = .host(text)
            }
        }

        /// nil for a stream.
        var path: String? {
            switch self {
            case .host(let path), .service(_, let path): path
            case .stream: nil
            }
        }
    }

    static func run(_ invocation: Invocation) throws -> Int32 {
        let ends = (End(invocation.operands[0]), End(invocation.operands[1]))
        let service: String
        switch ends {
        case (.service, .service): throw invocation.arguments.usageError("between services nothing is copied", remedy: "copy to the host first")
        case (.service(let name, _), _), (_, .service(let name, _)): service = name
        default: throw invocation.arguments.usageError("one of the paths has to be a service's", remedy: "write SERVICE:PATH")
        }
        for (end, operand) in [(ends.0, invocation.operands[0]), (ends.1, invocation.operands[1])] where end.path?.isEmpty == true {
            throw invocation.arguments.usageError("'\(operand)' names no path", remedy: "write '\(operand)/' for the whole of it, or a path below that")
        }
        let target = try invocation.targetStack()
        let session = try StackSession(target.name, invocation, for: .reading)
        let state = try session.observe()
        _ = try target.services(named: [service], observed: state, record: session.record)
        let index = try invocation.arguments.integer("index", in: 1...Int.max)
        let first = try state.runningInstance(index, of: service, in: target)
        guard let plan = session.record?.services[service]?.plan else {
            throw CommandFailure("service '\(service)' is not running; start it with: stackup up -d \(service)")
        }
        try first.checkItRuns(plan)
        let distrusted = try distrustedFolders(session)
        _ = consume session
        invocation.forgetKeys()
        switch ends {
        case (.service(_, let path), let destination): return try copy(path, of: first, plan, to: destination, distrusted, invocation)
        case (let source, .service(_, let path)):
            let all = index != nil ? [first] : state.instances.filter { $0.service == service && $0.status == .running }
            if case .stream = source, all.count > 1 {
                throw CommandFailure("standard input is there once, and '\(service)' has \(all.count) instances; choose one with --index")
            }
            return try all.map { try copy(source, distrusted, to: path, of: $0, plan, invocation) }.max() ?? 0
        default: return 0
        }
    }

    /// What services and one-offs of any stack may write to on the host: a link there may be theirs.
    private static func distrustedFolders(_ session: borrowing StackSession) throws -> [String] {
        try (session.snapshot?.stackNames ?? []).flatMap { try StackRecord.writableFolders(of: $0, in: session.store).map(\.path) }.withoutRepeats()
    }

    private static func root(of instance: ObservedInstance) throws -> FileDescriptor {
        guard let process = try instance.openProcess() else { throw CopyError("'\(instance.name)' has just ended") }
        return try CopyPlace.root(of: instance, process: process)
    }

    private static func copy(
        _ path: String, of instance: ObservedInstance, _ plan: LaunchPlan, to destination: End, _ distrusted: [String], _ invocation: Invocation
    ) throws -> Int32 {
        let root = try root(of: instance)
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        guard case .host(let target) = destination else {
            guard isatty(STDOUT_FILENO) == 0 else { throw CommandFailure("an archive is nothing for a terminal; pass it on, to tar(1) for example") }
            let side = try CopySide.start(.send, path, flag: invocation.flag("follow-link"), root: root, as: plan, of: instance, input: null.number, output: STDOUT_FILENO)
            return status(of: side.wait())
        }
        let pipe = try FileDescriptor.pipe()
        let side = try CopySide.start(.send, path, flag: invocation.flag("follow-link"), root: root, as: plan, of: instance, input: null.number, output: pipe.write.number)
        var failure: (any Error)?
        do {
            try TreeReceiver(pipe.takeReadEnd(), keepsOwners: invocation.flag("archive")).receive(at: Array(target.utf8), in: CopyPlace(distrusting: distrusted))
        } catch {
            failure = error
        }
        let status = status(of: side.wait())
        // Where nothing came, the other side has said why.
        if let failure, status == 0 || (failure as? CopyError)?.isOfOtherSide != true { throw CommandFailure(sanitizedForTerminal("\(failure)")) }
        return status
    }

    private static func copy(
        _ source: End, _ distrusted: [String], to path: String, of instance: ObservedInstance, _ plan: LaunchPlan, _ invocation: Invocation
    ) throws -> Int32 {
        let root = try root(of: instance)
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        guard case .host(let file) = source else {
            let side = try CopySide.start(.unpack, path, flag: invocation.flag("archive"), root: root, as: plan, of: instance, input: STDIN_FILENO, output: null.number)
            return status(of: side.wait())
        }
        let pipe = try FileDescriptor.pipe()
        let side = try CopySide.start(.receive, path, flag: invocation.flag("archive"), root: root, as: plan, of: instance, input: pipe.read.number, output: null.number)
        var isWhole = true
        var failure: (any Error)?
        do {
            let sender = TreeSender(pipe.takeWriteEnd()) {
                invocation.streams.warn("not copied: \(sanitizedForTerminal($0))")
                isWhole = false
            }
            try sender.send(Array(file.utf8), from: CopyPlace(distrusting: distrusted), followsLink: invocation.flag("follow-link"))
        } catch {
            failure = error
        }
        let status = status(of: side.wait())
        if let failure {
            // The other side ended first, and has said why.
            if let error = failure as? SystemCallError, error.code == EPIPE { return max(status, 1) }
            throw failure
        }
        return isWhole ? status : max(status, 1)
    }

    private static func status(of end: ChildProcess.End) -> Int32 {
        switch end {
        case .exited(let code): code
        case .killed(let signal): 128 + signal
        }
    }
}
