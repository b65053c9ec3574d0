import Linux

/// What a person asked for: which files, which name, which part of the project.
public struct ProjectOptions: Sendable {
    public enum Purpose: Sendable {
        /// Its services are to run: what stackup can't do for them is an error.
        case running
        /// It is to be printed, as `config` does: every project that Compose takes is taken, and what would keep its services
        /// from running is a warning.
        case printing
        /// As for printing, but only names, hashes or variables are: what has no effect is no matter.
        case listing
    }

    /// Compose files in the order of merging, `-` for standard input; empty: `COMPOSE_FILE` or the default names.
    public var files: [String]
    /// The name given on the command line.
    public var projectName: String?
    /// The directory that relative paths start from; by default that of the first file.
    public var projectDirectory: String?
    /// Env files for interpolation; empty: `COMPOSE_ENV_FILES` or `.env`.
    public var envFiles: [String]
    /// Active profiles; empty: `COMPOSE_PROFILES`.
    public var profiles: [String]
    /// Named services enable their profiles and bring what they depend on; empty means all.
    public var services: [String]
    /// What the project is loaded for.
    public var purpose: Purpose
    /// What is done with the files.
    public var steps = LoadingSteps()
    /// The absolute directory that the command runs in.
    public var workingDirectory: String
    /// The caller's environment.
    public var environment: [String: String]
    /// Everything on standard input; called at most once, and only for `-f -`.
    /// nil: more than ``projectFileLimit`` bytes.
    public var standardInput: @Sendable () throws(SystemCallError) -> [UInt8]?

    public init(
        files: [String] = [], projectName: String? = nil, projectDirectory: String? = nil, envFiles: [String] = [],
        profiles: [String] = [], services: [String] = [], purpose: Purpose = .running, workingDirectory: String,
        environment: [String: String] = [:], standardInput: @escaping @Sendable () throws(SystemCallError) -> [UInt8]? = { [] }
    ) {
        self.files = files
        self.projectName = projectName
        self.projectDirectory = projectDirectory
        self.envFiles = envFiles
        self.profiles = profiles
        self.services = services
        self.purpose = purpose
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.standardInput = standardInput
    }
}
