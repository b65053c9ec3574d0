/// Which steps of loading a project are taken; all of them, unless `config` is asked to leave some out.
public struct LoadingSteps: Sendable {
    /// Whether what can be derived is added: names of resources, the default network, dependencies.
    public var normalizes = true
    /// Whether relative paths become absolute.
    public var resolvesPaths = true
    /// Whether what refers to something is checked to find it.
    public var checksConsistency = true

    public init() {}
}
