import Testing

@testable import Compose

@Suite struct IsolationDecodingTests {
    private func service(_ text: String) throws -> Service {
        try Fixture.service("services: {web: {command: x, \(text)}, zoo: {command: x}}")
    }

    @Test func namespacesOfTheHostAndOfOtherServices() throws {
        #expect(try service("ipc: shareable, network_mode: host").namespaces == NamespaceOptions())
        let shared = try service("ipc: 'service:zoo', network_mode: 'service:zoo', uts: host").namespaces
        #expect(shared.ipc == .service("zoo") && shared.network == .service("zoo") && shared.uts == .host)
        let closed = try service("ipc: none, network_mode: none").namespaces
        #expect(closed.ipc == .own && !closed.hasSharedMemory && closed.network == .own)
        #expect(try service("ipc: host").namespaces.ipc == .host)
        #expect(try service("pid: host").namespaces.pid == .host)
        #expect(try service("pid: 'service:zoo'").namespaces.pid == .service("zoo"))
    }

    @Test func whoSharesDependsOnTheOther() throws {
        #expect(try service("network_mode: 'service:zoo'").dependsOn == [Dependency("zoo", restart: true)])
    }

    @Test func groupsAndDevices() throws {
        let service = try service("group_add: [audio, 20], devices: ['/dev/a', '/dev/b:/dev/c:r', {source: /dev/d, target: /dev/e}], privileged: true")
        #expect(service.groups == ["audio", "20"] && service.isPrivileged)
        #expect(service.devices == [
            DeviceMapping(source: "/dev/a", target: "/dev/a", permissions: "rwm"), DeviceMapping(source: "/dev/b", target: "/dev/c", permissions: "r"),
            DeviceMapping(source: "/dev/d", target: "/dev/e", permissions: "rwm"),
        ])
    }

    @Test func rulesAndRequestsForDevices() throws {
        let rules = try service("device_cgroup_rules: ['c 1:3 mr', 'a *:* rwm', 'b 8:* r']").deviceRules
        #expect(rules.map(\.kind) == ["c", "a", "b"] && rules.map(\.major) == [1, nil, 8] && rules.map(\.minor) == [3, nil, nil])
        #expect(rules.map(\.permissions) == ["mr", "rwm", "r"])
        #expect(try service("gpus: all").deviceRequests == [DeviceRequest(capabilities: ["gpu"])])
        let reserved = try service(
            "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: 2, capabilities: [gpu, utility]}, {device_ids: ['1'], capabilities: [gpu]}]}}}")
        let attribute = "deploy.resources.reservations.devices"
        #expect(reserved.deviceRequests == [
            DeviceRequest(attribute: attribute, driver: "nvidia", count: 2, capabilities: ["gpu", "utility"]),
            DeviceRequest(attribute: attribute, ids: ["1"], capabilities: ["gpu"]),
        ])
    }

    @Test func settingsOfANetworkOfItsOwn() throws {
        #expect(try service("network_mode: none, sysctls: {net.core.somaxconn: 10}").kernelSettings.map(\.name) == ["net.core.somaxconn"])
        #expect(try service("sysctls: {net.core.somaxconn: 10}").kernelSettings.isEmpty)
        #expect(try service("ipc: private, sysctls: {kernel.msgmax: 10}").kernelSettings.map(\.name) == ["kernel.msgmax"])
    }

    @Test(arguments: [
        ("ipc: shared", "services.web.ipc is 'shared', and there is no such mode"),
        ("ipc: 'container:zoo'", "services.web.ipc names a container, and there are none"),
        ("network_mode: 'container:zoo'", "services.web.network_mode names a container, and there are none"),
        ("pid: private", "services.web.pid is 'private', and there is no such mode"),
        ("uts: private", "services.web.uts is 'private', and there is no such mode"),
        ("userns_mode: 'auto'", "services.web.userns_mode is 'auto', and there is no such mode"),
        ("uts: host, hostname: web", "services.web.hostname contradicts 'uts: host', where the host's name is the service's"),
        ("devices: ['/dev/null:/dev/null:x']", "services.web.devices has the permissions 'x'"),
        ("devices: ['/dev/null:x']", "services.web.devices[0]: the target 'x' must be an absolute path without '..'"),
        ("devices: ['/dev/null:/dev/../etc/passwd']", "services.web.devices[0]: the target '/dev/../etc/passwd' must be an absolute path without '..'"),
        ("devices: ['/dev/null:/']", "services.web.devices[0]: nothing can be mounted over '/'"),
        ("devices: ['/dev/sda:/dev/null']", "services.web.devices has the target /dev/null, which every service has already"),
        ("devices: ['/dev/sda:/proc/sys/x']", "services.web.devices has the target /proc/sys/x, which every service has already"),
        ("devices: ['/dev/sda://run/./secrets/x']", "services.web.devices has the target /run/secrets/x, which every service has already"),
        ("devices: ['/dev/a:/dev/x', '/dev/b:/dev//x']", "services.web.devices[1] has the target /dev//x, as devices[0] has, at line 1"),
        ("devices: [/dev/a], tmpfs: [/dev/a]", "a device has the target /dev/a, as a tmpfs has at line 1"),
        ("device_cgroup_rules: ['c 1:3']", "services.web.device_cgroup_rules has 'c 1:3', which is no rule"),
        ("device_cgroup_rules: ['c 1:3 rwmr']", "services.web.device_cgroup_rules has 'c 1:3 rwmr', which is no rule"),
        ("device_cgroup_rules: ['c 1:+3 r']", "services.web.device_cgroup_rules has 'c 1:+3 r', which is no rule"),
        ("gpus: [{capabilities: [tpu]}]", "services.web.gpus asks for 'tpu', and graphics cards (gpu) are all that can be found here"),
        ("gpus: [{count: 0}]", "services.web.gpus asks for 0 of them"),
    ]) func whatCannotBeIsRefused(text: String, message: String) {
        let diagnostics = Fixture(["compose.yaml": "services: {web: {command: x, \(text)}, zoo: {command: x}}"]).load().diagnostics
        #expect(diagnostics.map(\.message) == [message] && diagnostics.first?.severity == .error)
    }
}
