import Reconciler
import Runner

/// A stack that `up` has just deployed.
struct DeployedStack {
    let supervisor: SupervisorClient
    let directories: StackDirectories
    /// Those that were selected.
    let services: [String]
    /// When the deployment began.
    let since: LogTime

    /// The instances of the selected services.
    func observe() throws(SupervisionError) -> [ObservedInstance] {
        try supervisor.observe().instances.filter { services.contains($0.service) }
    }
}
