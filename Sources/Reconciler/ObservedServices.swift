import JSON

/// Which services of a stack are there: what of ``ObservedState`` does to take a stack down, in a fraction of the time with a thousand instances.
public struct ObservedServices: Sendable, Equatable {
    /// Those with instances, and the keys of one-offs; by name.
    public var inhabited: [String]
    /// Services that have files in place, by name.
    public var holders: [String]
    /// The mounts of one-offs, of which no record tells.
    public var oneOffMounts: [ObservedMount]
    /// As ``ObservedState/isSupervisorEnding``.
    public var isSupervisorEnding: Bool?

    public init(
        inhabited: [String] = [], holders: [String] = [], oneOffMounts: [ObservedMount] = [], isSupervisorEnding: Bool? = nil
    ) {
        self.inhabited = inhabited
        self.holders = holders
        self.oneOffMounts = oneOffMounts
        self.isSupervisorEnding = isSupervisorEnding
    }

    /// - Parameter mounts: of services and one-offs, by name.
    public init(inhabited: [String], mounts: [ObservedMount], isSupervisorEnding: Bool?) {
        func isOneOff(_ mount: ObservedMount) -> Bool { OneOff.service(ofKey: mount.service) != nil }
        self.init(
            inhabited: inhabited, holders: mounts.filter { !isOneOff($0) }.map(\.service), oneOffMounts: mounts.filter(isOneOff),
            isSupervisorEnding: isSupervisorEnding)
    }

    /// What a whole state says of them.
    public init(_ state: ObservedState) {
        self.init(
            inhabited: Set(state.instances.map(\.service)).sorted(), mounts: state.mounts, isSupervisorEnding: state.isSupervisorEnding)
    }

    /// The services of the files, without one-offs.
    public var replicated: [String] { inhabited.filter { OneOff.service(ofKey: $0) == nil } }
}

extension ObservedServices: JSONConvertible {
    public init(json: JSONValue) throws {
        var members = try JSONMembers(json)
        self.init(
            inhabited: try members.read("inhabited"), holders: try members.read("holders"), oneOffMounts: try members.read("oneOffMounts"),
            isSupervisorEnding: try members.readIfPresent("isSupervisorEnding"))
    }

    public var json: JSONValue {
        .members { members in
            members.put("inhabited", inhabited)
            members.put("holders", holders)
            members.put("oneOffMounts", oneOffMounts)
            members.put("isSupervisorEnding", isSupervisorEnding)
        }
    }
}
