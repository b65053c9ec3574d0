import Glibc
import Linux
import YAML

/// What all stages of one load share: the caller's wishes, what was read, what went wrong.
final class SourceLoading {
    /// Files beyond this are refused: includes that include each other's includes grow without bound.
    static let fileLimit = 1000

    let options: ProjectOptions
    let reporter: Reporter
    /// Whether variables get their values.
    let interpolates: Bool
    /// Services of files that `extends` names, by path.
    var extended: [String: Extends] = [:]
    /// What was read.
    private(set) var files: [ReadFile] = []
    /// The project's name, as soon as it is certain.
    var knownName: String?
    /// As soon as the files are found.
    var projectDirectory = ""
    /// What becomes of the paths in a file, where not all of them are made absolute.
    private var pathForms: [ObjectIdentifier: PathResolution.Form] = [:]
    /// Whether something that is included could not be read: what is not there may be in it.
    var lacksIncluded = false
    private var filesRead = 0

    init(_ options: ProjectOptions, _ reporter: Reporter, interpolates: Bool = true) {
        self.options = options
        self.interpolates = interpolates
        self.reporter = reporter
    }

    var home: String? { options.environment["HOME"].flatMap { $0.isEmpty ? nil : $0 } }
    var paths: PathResolution {
        PathResolution(home: home, projectDirectory: projectDirectory) { self.pathForm($0) }
    }

    private func pathForm(_ source: SourceText) -> PathResolution.Form {
        options.steps.resolvesPaths ? .absolute : pathForms[ObjectIdentifier(source)] ?? .asWritten
    }


    /// The document with its variables replaced, unless they are left alone.
    func interpolated(_ document: Node, _ environment: [String: String]) -> Node {
        interpolates ? Interpolation(environment: environment, reporter: reporter).apply(document) : document
    }

    /// For documents whose paths start from a directory.
    func layers(_ baseDirectory: String) -> Layers {
        Layers(reporter: reporter, baseDirectory: baseDirectory, keepsLists: !interpolates)
    }

    /// The document in canonical form, as far as that can be known while it has variables.
    func canonical(_ document: Node, _ layers: Layers) -> Node {
        interpolates ? layers.canonical(document) : LongForms(reporter: reporter).apply(document)
    }

    /// A path for people: relative to where the command runs, where that is shorter to read.
    func shownName(_ path: String) -> String {
        let prefix = options.workingDirectory == "/" ? "/" : options.workingDirectory + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }

    /// Which file may be meant instead of one that isn't there.
    private func neighbour(of path: String) -> String {
        guard let directory = try? FileDescriptor.open(Paths.directory(of: path), O_RDONLY | O_DIRECTORY) else {
            return "there is no such directory either: check the path"
        }
        let names = DirectoryListing.names(in: directory.number).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
        return reporter.suggestion(for: Paths.lastComponent(of: path), among: names.sorted()) ?? "check the path"
    }

    /// The bytes of a file that the project names, by an absolute path.
    func read(_ path: String) throws(FileReading.Problem) -> [UInt8] {
        try FileReading.read(path) { files.append($0) }
    }

    /// The documents of a file, none where it is empty; nil, with an error reported, where it can't be read.
    ///
    /// - Parameters:
    ///   - path: absolute, or `-`.
    ///   - base: the directory that its relative paths start from.
    ///   - cause: where another file names this one.
    ///   - isAnchored: whether the other file gives an absolute directory for this one's paths.
    func documents(
        _ path: String, shownAs name: String, base: String, cause: Place? = nil, isAnchored: Bool = false
    ) -> [Node]? {
        filesRead += 1
        guard filesRead <= Self.fileLimit else {
            if filesRead == Self.fileLimit + 1 {
                reporter.error("the project has more than the \(Self.fileLimit) files allowed", at: cause)
            }
            return nil
        }
        let bytes: [UInt8]
        do {
            bytes = path == "-" ? try FileReading.standardInput(options) : try read(path)
        } catch {
            reporter.error(
                "cannot read \(name): \(error.reason)", at: cause, remedy: error.isMissing ? neighbour(of: path) : nil)
            return nil
        }
        reporter.reading(name)
        let source = SourceText(file: name, baseDirectory: base, bytes: bytes)
        if !options.steps.resolvesPaths, let cause {
            // Only the project's own files keep them as they are: for Compose too, those of others start elsewhere.
            let isAbsolute = if case .absolute = pathForm(cause.source) { true } else { isAnchored }
            pathForms[ObjectIdentifier(source)] = isAbsolute ? .absolute : .relative
        }
        let stream = parseYAML(source)
        reporter.add(stream.diagnostics)
        if stream.documents.isEmpty, !stream.diagnostics.isEmpty { return nil }
        return stream.documents.filter { document in
            guard document.mapping == nil else { return true }
            reporter.error(
                "the top level must be a mapping, and it is \(document.kindName)", at: document.place,
                remedy: document.isNull ? "remove the `---`, or describe something below it" : nil)
            return false
        }
    }
}
