import Compose
import Runner

extension Invocation {
    /// Finds out before anything is made whether an ordinary user's stack can have the namespaces that it needs.
    ///
    /// - Throws: `DeploymentError` with what this host has against it, and what to do.
    func requireNamespaces(for stack: Stack) throws {
        guard user != 0, stack.services.contains(where: { !$0.needsImage }),
            try StackRemains.namespaceHolder(paths.directories(of: stack.name)) == nil
        else { return }
        do {
            try NamespaceTrial.require()
        } catch let diagnosis as NamespaceDiagnosis {
            throw DeploymentError(diagnosis.cause, remedy: diagnosis.remedy)
        }
    }
}
