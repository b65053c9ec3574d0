import Linux

/// Why a text is no mount.
public struct MountProblem: Error, CustomStringConvertible {
    public let description: String
}

extension ServiceMount {
    /// A mount in the short form, as a command line has it: `[SOURCE:]TARGET[:ro]`.
    ///
    /// - Parameters:
    ///   - text: as given.
    ///   - directory: what a relative source starts from.
    ///   - home: what `~` stands for.
    ///   - volumes: the keys of those that the files declare.
    /// - Throws: `MountProblem` that says what is wrong with it.
    public init(shortForm text: String, from directory: String, home: String?, volumes: [String]) throws(MountProblem) {
        let parsed = VolumeSpecification.parse(text)
        func refuse(_ reason: String) -> MountProblem { MountProblem(description: "invalid volume '\(text)': \(reason)") }
        if let problem = parsed.problem { throw refuse(problem) }
        if let option = parsed.unknownOptions.first { throw refuse("there is no option '\(option)'; write for example ro") }
        let target = Paths.clean(parsed.target)
        guard target.hasPrefix("/"), target != "/", !target.utf8.contains(0), !Paths.components(parsed.target).contains("..") else {
            throw refuse("the target must be an absolute path without '..', and not '/'")
        }
        if parsed.isBind {
            let source = Paths.clean(Paths.absolute(parsed.source, from: directory, home: home))
            self = .bind(source: source, target: target, readOnly: parsed.readOnly, createHostPath: true)
        } else {
            guard parsed.source.isEmpty || volumes.contains(parsed.source) else {
                throw refuse("there is no volume '\(parsed.source)'; declare it under 'volumes', or write ./\(parsed.source) for a folder")
            }
            self = .volume(volume: parsed.source.isEmpty ? nil : parsed.source, target: target, readOnly: parsed.readOnly)
        }
    }
}
