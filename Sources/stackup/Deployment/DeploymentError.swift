/// Why a stack cannot be brought to what its files ask for.
struct DeploymentError: Error, CustomStringConvertible {
    /// For the person: what was tried, why it failed, what to do. Never a secret's value.
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
