import SourceProtocol
import Testing

@testable import SecretSources

@Suite struct DriverRegistryTests {
    private func problem(_ driver: String, _ options: [String: String]) -> SourceError? {
        let request = SourceRequest(driver: driver, options: options, name: "password", project: "shop", directory: "/srv/shop")
        if case .failure(let error) = SourceServer.answer(request) { return error }
        return nil
    }

    @Test func anUnknownDriverIsRefusedWithTheOneThatMayBeMeant() {
        #expect(problem("comand", [:])?.reason == "there is no driver 'comand'")
        #expect(problem("comand", [:])?.remedy == "did you mean 'command'?")
    }

    @Test func anUnknownOptionIsRefusedWithTheOneThatMayBeMeant() {
        #expect(problem("command", ["comand": "true"])?.reason == "the driver 'command' has no option 'comand'")
        #expect(problem("command", ["comand": "true"])?.remedy == "did you mean 'command'?")
    }

    @Test func anOptionThatTheDriverCanNotDoWithoutIsAskedFor() {
        #expect(problem("command", [:])?.description.contains("needs the option 'command'") == true)
    }

    @Test func driversHaveNamesOfTheirOwn() {
        #expect(Set(DriverRegistry.drivers.map { $0.name }).count == DriverRegistry.drivers.count)
    }
}
