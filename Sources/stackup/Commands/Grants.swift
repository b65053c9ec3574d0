import Compose
import JSON
import Linux
import Reconciler
import SecretStore
import Terminal

/// `stackup grants`: who can read which secret.
enum Grants {
    static let command = Command(
        "grants", summary: "Show who can read which secret",
        discussion: """
            One line for each service and secret: as the files declare it, as the store has it, and whether it is
            mounted right now. A grant that is mounted and no longer declared is shown too: 'up' takes it away.
            MOUNTED is 'unknown' where a service holds a value that the store does not have, as after 'store restore'.
            """,
        examples: [
            .init("stackup grants", "all of them"),
            .init("stackup grants --secret db_password", "who can read db_password"),
            .init("stackup grants --service web --format json", "what web can read, for tools"),
        ],
        options: [
            .value("service", "SERVICE", help: "Only this service's grants"),
            .value("secret", "SECRET", help: "Only grants on this secret, by its key or its name in the store"),
            .value("format", "FORMAT", help: ListFormat.help),
        ])

    private static let columns: [ListFormat.Column] = [
        .init("service"), .init("secret"), .init("name"), .init("version"), .init("target"), .init("uid"), .init("gid"), .init("mode"),
        .init("source"), .init("declared"), .init("stored"), .init("mounted"), .init("sealed"),
    ]

    static func run(_ invocation: Invocation) throws -> Int32 {
        let format = try invocation.listFormat(columns)
        let stack = try invocation.loadProject(quietly: true).stack
        let service = invocation.value("service"), secret = invocation.value("secret")
        if let service, stack.service(service) == nil, !stack.disabledServices.contains(service) {
            throw CommandFailure.unknown("service", service, among: stack.services.map(\.name) + stack.disabledServices)
        }
        let session = try StackSession(stack.name, invocation, for: .reading)
        let all = try grantRows(stack, user: invocation.user, snapshot: session.snapshot, observed: session.observe())
        let secrets = Set(stack.secrets.flatMap { [$0.key, $0.storeName] } + all.flatMap { [$0.key, $0.storeName] })
        if let secret, !secrets.contains(secret) { throw CommandFailure.unknown("secret", secret, among: secrets) }
        let rows = all.filter { (service ?? $0.service) == $0.service }
            .filter { [nil, $0.key, $0.storeName].contains(secret) }
            .sorted { ($0.service, $0.key, $0.target) < ($1.service, $1.key, $1.target) }
        try invocation.print(
            rows.map { .init(cells: $0.cells, document: $0.document) },
            header: ["SERVICE", "SECRET", "VERSION", "TARGET", "UID", "GID", "MODE", "SOURCE", "DECLARED", "STORED", "MOUNTED"],
            as: format, json: .array)
        return 0
    }

    /// Declared grants, then those that are mounted and declared no more.
    private static func grantRows(
        _ stack: Stack, user: UInt32, snapshot: StoreSnapshot?, observed: ObservedState
    ) -> [GrantRow] {
        let oneOffs = Dictionary(observed.oneOffs.map { ($0.service, $0) }, uniquingKeysWith: { first, _ in first })
        let running = Set(observed.instances.filter { $0.status == .running || $0.status == .stopping }.map(\.service))
        var mounted: [String: [MountedFile]] = [:]
        for mount in observed.mounts where running.contains(mount.service) {
            mounted[mount.service] = mount.files.filter { $0.kind == .secret }
        }
        var rows: [GrantRow] = []
        for service in stack.services {
            let owner = try? UserDatabase.host.resolve(service.user, among: .unlimited(for: user)).identity
            for grant in service.secrets {
                guard let secret = stack.secret(grant.secret) else { continue }
                let file = mounted[service.name]?.first { $0.name == secret.storeName && $0.target.hasSameBytes(as: grant.target) }
                mounted[service.name]?.removeAll { $0 == file }
                rows.append(GrantRow(
                    service: service.name, key: secret.key, storeName: secret.storeName, target: grant.target,
                    uid: file?.uid ?? grant.uid ?? owner?.uid, gid: file?.gid ?? grant.gid ?? owner?.gid,
                    mode: file?.mode ?? grant.mode, source: secret.sourceText, declared: true,
                    stored: snapshot?.secret(secret.storeName), mounted: file))
            }
        }
        for (service, files) in mounted.sorted(by: { $0.key < $1.key }) {
            for file in files {
                let oneOff = oneOffs[service]?.oneOff
                let isDeclared = stack.service(oneOff?.service ?? "")?.secrets.contains { stack.secret($0.secret)?.storeName == file.name } ?? false
                rows.append(GrantRow(
                    service: oneOff?.name ?? service, key: key(of: file.name, in: stack), storeName: file.name, target: file.target, uid: file.uid,
                    gid: file.gid, mode: file.mode, source: "-", declared: isDeclared,
                    stored: snapshot?.secret(file.name), mounted: file))
            }
        }
        return rows
    }
}

/// The key that a project's secret had in its files: the name in the store without the project's prefix.
private func key(of storeName: String, in stack: Stack) -> String {
    let prefix = stack.name + "_"
    return storeName.hasPrefix(prefix) ? String(storeName.dropFirst(prefix.count)) : storeName
}

/// One line of `grants`.
private struct GrantRow {
    let service: String
    let key: String
    let storeName: String
    let target: String
    /// nil: not decided before the service starts (its own user).
    let uid: UInt32?
    let gid: UInt32?
    let mode: UInt32
    let source: String
    let declared: Bool
    let stored: SecretMetadata?
    let mounted: MountedFile?

    /// Of what is mounted, or would be; nil where that is none that the store has, as after a restore.
    private var version: Int? {
        guard let mounted else { return stored?.newest.number }
        return (stored?.versions.last { mounted.holds($0) })?.number
    }
    private var mountedWord: String { mounted == nil ? "no" : version == nil ? "unknown" : "yes" }
    private var isSealed: Bool { stored?.isSealed ?? false }
    private var octalMode: String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    var cells: [String] {
        func word(_ fact: Bool) -> String { fact ? "yes" : "no" }
        func text(_ number: (some BinaryInteger)?) -> String { number.map { "\($0)" } ?? "-" }
        return [
            service, key, text(version), target, text(uid), text(gid), octalMode,
            isSealed ? "\(source) (sealed)" : source, word(declared), word(stored != nil), mountedWord,
        ].map { sanitizedForTerminal($0) }
    }

    var document: TemplateValue {
        func number(_ value: Int64?) -> TemplateValue { value.map { .integer($0) } ?? .null }
        return .record([
            .init("service", .string(service)), .init("secret", .string(key)), .init("name", .string(storeName)),
            .init("version", number(version.map(Int64.init))), .init("target", .string(target)),
            .init("uid", number(uid.map(Int64.init))), .init("gid", number(gid.map(Int64.init))), .init("mode", .string(octalMode)),
            .init("source", .string(source)), .init("declared", .bool(declared)),
            .init("stored", .bool(stored != nil)), .init("mounted", .bool(mounted != nil)),
            .init("sealed", .bool(isSealed)),
        ])
    }
}
