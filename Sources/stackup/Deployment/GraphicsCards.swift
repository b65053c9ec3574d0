import Compose
import Glibc
import Linux

/// The host's graphics cards, as far as device nodes and the driver's files in /proc show them.
///
/// A container needs the driver's libraries put into it (NVIDIA's container toolkit does that); a service sees the host's file system, and so
/// whichever libraries the host has. What is left to give are the nodes.
struct GraphicsCards: Equatable {
    enum Driver: String {
        case nvidia, amd
        /// Any other that has a node to render with.
        case render = "dri"
    }

    struct Card: Equatable {
        /// `nvidia0`: below /dev.
        var nodes: [String]
        /// What the driver calls it; nil: nothing.
        var id: String?
    }

    var cards: [Driver: [Card]] = [:]
    /// What each of a driver's users needs besides, below /dev.
    var common: [Driver: [String]] = [:]

    /// - Parameters:
    ///   - names: what is in /dev.
    ///   - rendering: what is in /dev/dri.
    ///   - ids: NVIDIA's names by the number of the node.
    init(names: [String], rendering: [String], ids: [Int: String] = [:]) {
        let own = names.compactMap { name in name.hasPrefix("nvidia") ? Int(name.dropFirst("nvidia".count)) : nil }.sorted()
        if !own.isEmpty {
            cards[.nvidia] = own.map { Card(nodes: ["nvidia\($0)"], id: ids[$0]) }
            common[.nvidia] = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset", "nvidia-caps"].filter(names.contains)
        }
        let renderers = rendering.compactMap { name in name.hasPrefix("renderD") ? Int(name.dropFirst("renderD".count)) : nil }.sorted()
            .map { Card(nodes: ["dri/renderD\($0)"], id: nil) }
        guard !renderers.isEmpty else { return }
        cards[.render] = renderers
        if names.contains("kfd") {
            cards[.amd] = renderers
            common[.amd] = ["kfd"]
        }
    }

    static func ofThisHost() -> GraphicsCards {
        func names(_ path: String) -> [String] {
            guard let folder = try? FileDescriptor.open(path, O_RDONLY | O_DIRECTORY) else { return [] }
            return DirectoryListing.names(in: folder.number)
        }
        var ids: [Int: String] = [:]
        let folder = "/proc/driver/nvidia/gpus"
        for name in names(folder) {
            guard let bytes = (try? FileDescriptor.open("\(folder)/\(name)/information", O_RDONLY).readAll(limit: 1 << 16)) ?? nil,
                let card = card(inInformation: String(decoding: bytes, as: UTF8.self))
            else { continue }
            ids[card.number] = card.id
        }
        return GraphicsCards(names: names("/dev"), rendering: names("/dev/dri"), ids: ids)
    }

    /// - Parameter text: `/proc/driver/nvidia/gpus/*/information` (NVIDIA's README for Linux).
    static func card(inInformation text: String) -> (number: Int, id: String)? {
        func value(_ key: String) -> String? {
            text.split(separator: "\n").first { $0.hasPrefix(key) }.map { line in
                String(line.dropFirst(key.count).drop { $0 == " " || $0 == "\t" })
            }
        }
        guard let number = value("Device Minor:").flatMap({ Int($0) }), let id = value("GPU UUID:") else { return nil }
        return (number, id)
    }

    /// The nodes that a request gets.
    ///
    /// - Throws: `DeploymentError` where the host has not what it asks for.
    func nodes(for request: DeviceRequest) throws(DeploymentError) -> [String] {
        let driver = try driver(for: request)
        let all = cards[driver] ?? []
        var chosen = all
        if !request.ids.isEmpty {
            chosen = []
            for id in request.ids {
                guard let card = all.indices.first(where: { String($0) == id || all[$0].id == id }) else {
                    throw error(request, "it asks for the graphics card '\(id)', and this host has none of that name", "its cards are \(Self.list(all))")
                }
                if !chosen.contains(all[card]) { chosen.append(all[card]) }
            }
        } else if let count = request.count {
            guard count <= Int64(all.count) else {
                throw error(request, "it asks for \(count) graphics cards, and this host has \(all.count)", "ask for \(all.count) or fewer, or for all")
            }
            chosen = Array(all.prefix(Int(count)))
        }
        return ((common[driver] ?? []) + chosen.flatMap(\.nodes)).map { "/dev/" + $0 }
    }

    private func driver(for request: DeviceRequest) throws(DeploymentError) -> Driver {
        let named: Driver?
        switch request.driver {
        case nil: named = request.capabilities.contains("nvidia") ? .nvidia : request.capabilities.contains("amd") ? .amd : nil
        case "nvidia": named = .nvidia
        case "amd", "rocm": named = .amd
        case "dri": named = .render
        case "cdi":
            throw error(
                request, "it asks for devices by the Container Device Interface, whose files change a container, and there is none",
                "name the devices' nodes in 'devices'")
        case let other?:
            throw error(request, "it asks for the driver '\(other)', which is not known here", "write nvidia, amd or dri, or leave it out")
        }
        // As a container engine does, which knows of NVIDIA's first.
        guard let driver = named ?? [.nvidia, .amd, .render].first(where: { cards[$0] != nil }) else {
            throw error(
                request, "it asks for a graphics card, and this host has none: there is no /dev/nvidia0, and no /dev/dri/renderD128",
                "load the card's driver on the host, or remove it")
        }
        guard cards[driver] != nil else {
            let missing = switch driver {
            case .nvidia: "no /dev/nvidia0"
            case .amd: "no /dev/kfd with a /dev/dri/renderD128"
            case .render: "no /dev/dri/renderD128"
            }
            throw error(
                request, "it asks for a graphics card of the driver '\(driver.rawValue)', and this host has none: there is \(missing)",
                "load the driver on the host, or remove it")
        }
        return driver
    }

    private func error(_ request: DeviceRequest, _ message: String, _ remedy: String) -> DeploymentError {
        DeploymentError(message, attribute: request.attribute, remedy: remedy)
    }

    private static func list(_ cards: [Card]) -> String {
        cards.enumerated().map { index, card in card.id.map { "\(index) (\($0))" } ?? "\(index)" }.joined(separator: ", ")
    }
}
