import Compose
import Runner
import YAML

extension LaunchPlanning {
    /// What the file asks of a service's walls, beside mounts and limits.
    mutating func isolate(_ service: Service, _ plan: inout LaunchPlan, _ problems: inout Problems) {
        let capabilities = plan.capabilities
        plan.filter = problems.collect { () throws(DeploymentError) in
            try filters.filter(of: service, capabilities: capabilities, from: stack.workingDirectory, folders: &folders)
        } ?? nil
        if plan.filter == .unconfined {
            warn(
                service, "security_opt", "seccomp=unconfined lets the service make every system call of the kernel, keyrings and user namespaces among them",
                remedy: "give it a profile: seccomp=FILE")
        }
    }

    private mutating func warn(_ service: Service, _ attribute: String, _ message: String, remedy: String) {
        let path = "services.\(service.name).\(attribute)"
        warnings.append(Diagnostic(.warning, "\(path): \(message)", at: service.location, attribute: path, remedy: remedy))
    }
}
