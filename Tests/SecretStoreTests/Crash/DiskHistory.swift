import Glibc
import Testing

/// What a process did to the files below a folder, call by call, and what a power failure may have left of it.
///
/// The model promises no more than POSIX does. What was synchronised (fsync(2) of a file for its content, of a folder for the
/// names in it) is on the disk. Everything else may be there or not, each write and each change of a name for itself and in
/// any order. Of one write some sectors may be there and others not, and the file's new size may be there without the new bytes, or
/// the other way round. A rename is one change, and so is what lies in one sector.
struct DiskHistory {
    enum Change {
        case write(DiskImage.File, at: Int, [UInt8])
        case resize(DiskImage.File, to: Int)
        /// Names that a folder has or, with nil, has no more, all at once.
        case names([(folder: DiskImage.File, name: String, file: DiskImage.File?)])
    }

    struct Step {
        let change: Change
        /// Which call it was, and after how many calls it can't get lost any more.
        let call: Int
        var safeAfter = Int.max
    }

    /// A disk as it may be found after the power failed.
    struct Crash {
        let image: DiskImage
        /// For messages: after which call, and what got lost.
        let description: String
        /// Whether the process had done all it had to do.
        let isAfterTheEnd: Bool
    }

    private(set) var steps: [Step] = []
    /// As it was before, with nodes for what was made later.
    private var initial: DiskImage
    private var current: DiskImage
    private let calls: [TracedCall]
    private let root: String
    /// Open files: their number, and where the next write goes.
    private var open: [Int: (file: DiskImage.File, offset: Int, appends: Bool)] = [:]

    /// - Parameters:
    ///   - root: a real path; what happens outside is no part of the history.
    ///   - before: what lay there.
    init(of calls: [TracedCall], in root: String, before: DiskImage) {
        initial = before
        current = before
        self.calls = calls
        self.root = root
        for (number, call) in calls.enumerated() where call.succeeded { record(call, number) }
    }

    // MARK: Recording

    private mutating func record(_ call: TracedCall, _ number: Int) {
        let arguments = call.arguments
        /// The path that the argument at `position` gives, seen from the descriptor before it.
        func path(_ position: Int) -> String {
            arguments[position].string.hasPrefix("/") ? arguments[position].string : arguments[position - 1].path! + "/" + arguments[position].string
        }
        switch call.name {
        case "open", "openat", "openat2", "creat":
            recordOpening(call, number)
        case "close":
            open[arguments[0].descriptor] = nil
        case "dup", "dup2", "dup3", "fcntl":
            if call.name != "fcntl" || arguments[1].text.contains("DUPFD"), let file = open[arguments[0].descriptor] { open[call.result!] = file }
        case "lseek":
            open[arguments[0].descriptor]?.offset = call.result!
        case "write":
            guard let place = open[arguments[0].descriptor] else { return }
            let offset = place.appends ? size(of: place.file) : place.offset
            add(.write(place.file, at: offset, Array(arguments[1].bytes.prefix(call.result!))), number)
            open[arguments[0].descriptor]!.offset = offset + call.result!
        case "pwrite64":
            guard let place = open[arguments[0].descriptor] else { return }
            add(.write(place.file, at: arguments[3].number!, Array(arguments[1].bytes.prefix(call.result!))), number)
        case "ftruncate":
            guard let place = open[arguments[0].descriptor] else { return }
            add(.resize(place.file, to: arguments[1].number!), number)
        case "fsync", "fdatasync":
            guard let place = open[arguments[0].descriptor] else { return }
            synchronise(number) { change in
                switch change {
                case .write(let file, _, _), .resize(let file, _): file == place.file
                case .names(let names): names.contains { $0.folder == place.file }
                }
            }
        case "sync", "syncfs":
            synchronise(number) { _ in true }
        case "renameat", "renameat2":
            guard let from = relative(path(1)), let to = relative(path(3)), let file = current.file(at: from) else { return }
            add(.names([name(from, nil), name(to, file)]), number)
        case "rename":
            guard let from = relative(arguments[0].string), let to = relative(arguments[1].string), let file = current.file(at: from) else { return }
            add(.names([name(from, nil), name(to, file)]), number)
        case "linkat":
            guard let from = relative(path(1)), let to = relative(path(3)), let file = current.file(at: from) else { return }
            add(.names([name(to, file)]), number)
        case "unlinkat":
            guard let gone = relative(path(1)) else { return }
            add(.names([name(gone, nil)]), number)
        case "unlink", "rmdir":
            guard let gone = relative(arguments[0].string) else { return }
            add(.names([name(gone, nil)]), number)
        case "mkdirat":
            guard let made = relative(path(1)) else { return }
            add(.names([name(made, new(.folder([:])))]), number)
        case "mkdir":
            guard let made = relative(arguments[0].string) else { return }
            add(.names([name(made, new(.folder([:])))]), number)
        case "sync_file_range", "sched_yield", "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "fchownat":
            break
        default:
            // Nothing that the model doesn't know may change the files that it is about.
            let touched = arguments.contains { $0.path?.hasPrefix(root) == true || $0.string.hasPrefix(root) }
            #expect(!touched, "\(call.name) is not part of the model")
        }
    }

    private mutating func recordOpening(_ call: TracedCall, _ number: Int) {
        guard let path = call.resultPath.flatMap(relative) else { return }
        let flags = call.name == "creat" ? "O_CREAT|O_TRUNC" : call.arguments.map(\.text).joined()
        var file = current.file(at: path)
        if file == nil {
            #expect(flags.contains("O_CREAT"), "\(path): opened and not there")
            file = new(.file([]))
            add(.names([name(path, file)]), number)
        } else if flags.contains("O_TRUNC") {
            add(.resize(file!, to: 0), number)
        }
        open[call.result!] = (file!, 0, flags.contains("O_APPEND"))
    }

    private func relative(_ path: String) -> String? {
        path == root ? "" : path.hasPrefix(root + "/") ? String(path.dropFirst(root.count + 1)) : nil
    }

    private func name(_ path: String, _ file: DiskImage.File?) -> (folder: DiskImage.File, name: String, file: DiskImage.File?) {
        let parts = path.split(separator: "/")
        return (current.file(at: parts.dropLast().joined(separator: "/"))!, String(parts.last!), file)
    }

    private mutating func new(_ node: DiskImage.Node) -> DiskImage.File {
        initial.nodes.append(node)
        current.nodes.append(node)
        return current.nodes.count - 1
    }

    private func size(of file: DiskImage.File) -> Int {
        if case .file(let bytes) = current.nodes[file] { bytes.count } else { 0 }
    }

    private mutating func add(_ change: Change, _ call: Int) {
        steps.append(Step(change: change, call: call))
        current.apply(change)
    }

    private mutating func synchronise(_ call: Int, _ isMeant: (Change) -> Bool) {
        for step in steps.indices where steps[step].safeAfter == .max && isMeant(steps[step].change) { steps[step].safeAfter = call + 1 }
    }

    // MARK: Losing

    /// The disks that a power failure may leave, at each moment, every one once.
    ///
    /// - Parameters:
    ///   - choices: how many random subsets are tried at each moment, besides nothing, all, all but one and only one.
    ///   - stride: of many moments, and of many writes that are lost alone, every so many-th is looked at.
    func crashes(choices: Int, stride: Int, using generator: inout SeededGenerator) -> [Crash] {
        var crashes: [Crash] = []
        struct Found: Hashable {
            let content: [String: [UInt8]]
            let isAfterTheEnd: Bool
        }
        var seen: Set<Found> = []
        let moments = (1..<calls.count).filter { calls[$0 - 1].changesTheDisk }
        for count in [0] + moments.enumerated().filter({ $0.offset % stride == 0 }).map(\.element) + [calls.count] {
            let done = steps.filter { $0.call < count }
            let lost = done.indices.filter { done[$0].safeAfter > count }
            for fate in fates(of: lost, choices: choices, stride: stride, using: &generator) {
                var image = initial
                for (number, step) in done.enumerated() { image.apply(step.change, fate[number] ?? .whole) }
                let isAfterTheEnd = count == calls.count
                guard seen.insert(Found(content: image.content, isAfterTheEnd: isAfterTheEnd)).inserted else { continue }
                let losses = lost.filter { fate[$0] != .whole }.map { "\(fate[$0]!) of \(calls[done[$0].call].name) (call \(done[$0].call))" }
                let last = count == 0 ? "the beginning" : "\(calls[count - 1].name) (call \(count - 1))"
                crashes.append(
                    Crash(image: image, description: "after \(last), \(losses.isEmpty ? "all" : losses.joined(separator: ", "))", isAfterTheEnd: isAfterTheEnd))
            }
        }
        return crashes
    }

    /// What becomes of a change that was not synchronised.
    enum Fate: Equatable {
        case whole, nothing
        /// The file has its new size, but zeros where it is longer than before.
        case sizeOnly
        /// The file has the new bytes, but no more of them than it had before.
        case bytesOnly
        /// So much of it, in whole sectors.
        case part(Double)
    }

    private func fates(of lost: [Int], choices: Int, stride: Int, using generator: inout SeededGenerator) -> [[Int: Fate]] {
        func all(_ fate: Fate) -> [Int: Fate] { Dictionary(uniqueKeysWithValues: lost.map { ($0, fate) }) }
        var fates = [all(.nothing), all(.whole)]
        for one in lost.enumerated().filter({ $0.offset % stride == 0 }).map(\.element) {
            fates.append(all(.whole).merging([one: .nothing]) { $1 })
            fates.append(all(.nothing).merging([one: .whole]) { $1 })
        }
        // A write that got no further, the last one above all.
        if let last = lost.last { for fate in [.sizeOnly, .bytesOnly, .part(0.5), .part(0.99)] as [Fate] { fates.append(all(.whole).merging([last: fate]) { $1 }) } }
        guard lost.count > 1 else { return fates }
        for _ in 0..<choices {
            fates.append(
                Dictionary(
                    uniqueKeysWithValues: lost.map { one in
                        (one, [.whole, .nothing, .sizeOnly, .bytesOnly, .part(.random(in: 0..<1, using: &generator))].randomElement(using: &generator)!)
                    }))
        }
        return fates
    }
}

extension TracedCall.Argument {
    /// The number of a descriptor; strace may write `(deleted)` behind it.
    fileprivate var descriptor: Int { Int(text.prefix { $0.isNumber }) ?? -1 }
}

extension DiskImage {
    fileprivate mutating func apply(_ change: DiskHistory.Change, _ fate: DiskHistory.Fate = .whole) {
        switch (change, fate) {
        case (_, .nothing): return
        case (.names(let names), _):
            for (folder, name, file) in names {
                guard case .folder(var entries) = nodes[folder] else { continue }
                entries[name] = file
                nodes[folder] = .folder(entries)
            }
        case (.write(let file, let offset, let bytes), .whole): write(bytes, to: file, at: offset)
        case (.write(let file, let offset, let bytes), .sizeOnly):
            let size = size(of: file)
            guard offset + bytes.count > size else { return }
            write([UInt8](repeating: 0, count: offset + bytes.count - size), to: file, at: size)
        case (.write(let file, let offset, let bytes), .bytesOnly):
            write(Array(bytes.prefix(max(0, size(of: file) - offset))), to: file, at: offset)
        case (.write(let file, let offset, let bytes), .part(let part)):
            let end = (offset + Int(Double(bytes.count) * part)) / Self.sector * Self.sector
            write(Array(bytes.prefix(max(0, end - offset))), to: file, at: offset)
        case (.resize(let file, let size), _):
            guard case .file(let bytes) = nodes[file] else { return }
            nodes[file] = .file(Array(bytes.prefix(size)) + [UInt8](repeating: 0, count: max(0, size - bytes.count)))
        }
    }

    private static let sector = 512

    private func size(of file: File) -> Int {
        if case .file(let bytes) = nodes[file] { bytes.count } else { 0 }
    }

    private mutating func write(_ new: [UInt8], to file: File, at offset: Int) {
        guard case .file(var bytes) = nodes[file] else { return }
        bytes += [UInt8](repeating: 0, count: max(0, offset + new.count - bytes.count))
        bytes.replaceSubrange(offset..<offset + new.count, with: new)
        nodes[file] = .file(bytes)
    }
}

/// Random numbers that are the same in every run, so that a failure can be looked at again (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
