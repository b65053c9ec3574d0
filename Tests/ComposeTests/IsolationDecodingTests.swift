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
    ]) func whatCannotBeIsRefused(text: String, message: String) {
        let diagnostics = Fixture(["compose.yaml": "services: {web: {command: x, \(text)}, zoo: {command: x}}"]).load().diagnostics
        #expect(diagnostics.map(\.message) == [message] && diagnostics.first?.severity == .error)
    }
}
