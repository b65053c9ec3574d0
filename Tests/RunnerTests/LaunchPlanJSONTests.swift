import JSON
import Reconciler
import SecretStore
import SystemCalls
import Testing

@testable import Runner

/// What is written of a plan by hand must be all of it, and in the form that records have that older versions wrote.
@Suite struct LaunchPlanJSONTests {
    /// Every member says something.
    private static var whole: LaunchPlan {
        var plan = LaunchPlan(
            service: "web", replicas: 3, configHash: "hash", arguments: ["serve", "-v"], environment: ["A=b"], workingDirectory: "/srv",
            user: UserIdentity(uid: 1000, gid: 100, groups: [4, 5]), hostname: "host", hosts: [HostEntry(address: "10.0.0.1", name: "db")],
            capabilities: CapabilitySet(rawValue: 1 << 40 - 1), limits: [ResourceLimit(resource: 7, soft: 1024, hard: .max)],
            mounts: [
                .bind(source: "/a", target: "/b", readOnly: true),
                .tmpfs(target: "/t", readOnly: false, size: 4096, mode: 0o1777, uid: 1, gid: 2, executable: true),
                .tmpfs(target: "/u", readOnly: true, size: nil, mode: 0o755, uid: 0, gid: 0, executable: false),
            ],
            hostFilesystemWritable: true,
            files: [
                MountedFile(
                    kind: .secret, name: "web_key", version: "2", identity: VersionIdentity("0123456789abcdef"),
                    target: "/run/secrets/key", uid: 1, gid: 2, mode: 0o400),
                MountedFile(kind: .config, name: "conf", version: "content", target: "/conf", uid: 0, gid: 0, mode: 0o444),
            ],
            restart: .onFailure(maximumRetries: 3),
            dependencies: [Dependency("db"), Dependency("cache", .healthy, isRequired: false, restarts: true)], stopSignal: 2,
            stopGraceMilliseconds: 5000)
        plan.filter = .program(FilterProgram(flags: 4, instructions: [6, 0, 0, 0xA9]))
        plan.controls = ResourceControls()
        plan.controls?.memoryLimit = 1 << 30
        plan.controls?.blockDevices = [.init(.readBytes, device: "8:0", value: 1)]
        plan.oomScoreAdjustment = -5
        plan.sharedMemorySize = 1 << 20
        plan.namespaceSettings = [NamespaceSetting(name: "kernel.msgmax", value: "1")]
        plan.hasPrivateCgroupNamespace = true
        plan.namespaces = NamespacePlan()
        plan.namespaces?.ipc = .service("db")
        plan.namespaces?.network = .own
        plan.user.keepsGroups = true
        plan.isPrivileged = true
        plan.restartLimits = RestartLimits(delayMilliseconds: 1, maximumAttempts: 2, windowMilliseconds: 3)
        plan.logging = LogPlan(form: .jsonFile, fileSize: 1, fileCount: 2, isKept: false, destination: .journal(tag: "t"))
        plan.healthCheck = HealthCheck(arguments: ["true"])
        plan.postStart = [plan.command(["a"])]
        plan.preStop = [plan.command(["b"])]
        plan.oneOff = OneOff(service: "web", name: "job", isRemovedAtEnd: true, labels: ["a": "b"])
        return plan
    }

    @Test func everyMemberOfAPlanComesBack() throws {
        for child in Mirror(reflecting: Self.whole).children {
            let isNothing = Mirror(reflecting: child.value).displayStyle == .optional && Mirror(reflecting: child.value).children.isEmpty
            #expect(!isNothing, "give \(child.label ?? "?") a value here, and write and read it in LaunchPlan+JSON.swift")
        }
        #expect(try LaunchPlan(json: Self.whole.json) == Self.whole)
        #expect(try JSON.decode(LaunchPlan.self, from: JSON.encode(Self.whole)) == Self.whole)
        let names = try #require(Self.whole.json.objectValue).map(\.name)
        #expect(names == Mirror(reflecting: Self.whole).children.compactMap(\.label).map { $0.hasPrefix("_") ? String($0.dropFirst()) : $0 })
    }

    @Test func whatIsNotAskedForIsLeftOut() throws {
        let plan = LaunchPlan(service: "web", arguments: ["true"])
        #expect(try LaunchPlan(json: plan.json) == plan)
        #expect(
            String(decoding: JSON.encode(plan), as: UTF8.self)
                == #"{"service":"web","replicas":1,"configHash":"","arguments":["true"],"environment":[],"workingDirectory":"/","#
                + #""user":{"uid":0,"gid":0,"groups":[]},"hosts":[],"capabilities":0,"limits":[],"mounts":[],"hostFilesystemWritable":false,"#
                + #""files":[],"restart":{"no":{}},"dependencies":[],"stopSignal":15,"stopGraceMilliseconds":10000}"#)
    }

    @Test(arguments: [Restart.no, .always, .unlessStopped, .onFailure(maximumRetries: nil), .onFailure(maximumRetries: 2)])
    func everyRestartPolicyComesBack(policy: Restart) throws {
        #expect(try Restart(json: policy.json) == policy)
    }

    @Test(arguments: [
        #"{}"#, #"{"no":{},"always":{}}"#, #"{"sometimes":{}}"#, #"{"onFailure":{"maximumRetries":"2"}}"#, #"{"onFailure":2}"#, #"[]"#, #""no""#,
    ])
    func anythingElseIsNoRestartPolicy(text: String) {
        #expect(throws: DecodingError.self) { try Restart(json: JSONValue.parse(Array(text.utf8))) }
    }

    /// As records of older versions have them.
    @Test func theFormsAreThoseOfTheCompiler() throws {
        let mounts = Self.whole.mounts.json.serialized()
        #expect(
            mounts == #"[{"bind":{"source":"/a","target":"/b","readOnly":true}},"#
                + #"{"tmpfs":{"target":"/t","readOnly":false,"size":4096,"mode":1023,"uid":1,"gid":2,"executable":true}},"#
                + #"{"tmpfs":{"target":"/u","readOnly":true,"mode":493,"uid":0,"gid":0,"executable":false}}]"#)
        #expect(Restart.onFailure(maximumRetries: 3).json.serialized() == #"{"onFailure":{"maximumRetries":3}}"#)
        #expect(Self.whole.dependencies.json.serialized()
            == #"["db",{"service":"cache","condition":"healthy","isRequired":false,"restarts":true}]"#)
        #expect(Self.whole.files.json.serialized()
            == #"[{"kind":"secret","name":"web_key","version":"2","identity":"0123456789abcdef","target":"/run/secrets/key","uid":1,"gid":2,"mode":256},"#
            + #"{"kind":"config","name":"conf","version":"content","target":"/conf","uid":0,"gid":0,"mode":292}]"#)
    }

    @Test func everyEventComesBack() throws {
        let kinds: [(InstanceEvent.Kind, String)] = [
            (.created, #"{"created":{}}"#), (.starting, #"{"starting":{}}"#), (.started(pid: 5), #"{"started":{"pid":5}}"#),
            (.exited(code: 137), #"{"exited":{"code":137}}"#), (.restarting(milliseconds: 100), #"{"restarting":{"milliseconds":100}}"#),
            (.stopping, #"{"stopping":{}}"#), (.stopped, #"{"stopped":{}}"#), (.removed, #"{"removed":{}}"#),
            (.failed(reason: "why"), #"{"failed":{"reason":"why"}}"#), (.signalled(signal: 1), #"{"signalled":{"signal":1}}"#),
            (.waiting(until: "db is healthy"), #"{"waiting":{"until":"db is healthy"}}"#), (.healthy, #"{"healthy":{}}"#),
            (.unhealthy(output: "out"), #"{"unhealthy":{"output":"out"}}"#), (.outOfMemory, #"{"outOfMemory":{}}"#),
            (.paused, #"{"paused":{}}"#), (.unpaused, #"{"unpaused":{}}"#),
            (.hookFailed(hook: "pre_stop", reason: "why"), #"{"hookFailed":{"hook":"pre_stop","reason":"why"}}"#),
            (.fileWritten(target: "/t"), #"{"fileWritten":{"target":"/t"}}"#), (.fileRemoved(target: "/t"), #"{"fileRemoved":{"target":"/t"}}"#),
        ]
        for (kind, text) in kinds {
            #expect(kind.json.serialized() == text)
            let event = InstanceEvent(service: "web", index: 2, kind: kind, oneOff: "job")
            #expect(try JSON.decode(InstanceEvent.self, from: JSON.encode(event)) == event)
        }
        let event = InstanceEvent(service: "web", kind: .created)
        #expect(event.json.serialized() == #"{"service":"web","kind":{"created":{}}}"#)
        for wrong in [#"{"created":{},"stopped":{}}"#, "{}", #"{"none":{}}"#, #"{"started":{}}"#, #"{"started":{"pid":"5"}}"#, #""created""#] {
            #expect(throws: (any Error).self) { try InstanceEvent.Kind(json: try JSONValue.parse(Array(wrong.utf8))) }
        }
    }

    @Test func everyMemberOfTheRecordComesBack() throws {
        var traits = ServiceTraits(Self.whole)
        traits.oneOff = OneOff(service: "web", name: "job", isRemovedAtEnd: true)
        traits.mounts = Self.whole.mounts
        traits.hasPreStopHooks = true
        let record = StateRecord(
            bootID: "b", services: [.init(name: "web", traits: traits, files: Self.whole.files), .init(name: "db", traits: ServiceTraits(), files: nil)],
            instances: [ObservedInstance(service: "db", index: 1, status: .created)],
            owed: [OwedReaction(service: "web", index: 1, signal: 1)],
            renewals: [.init(renewal: ScheduledRenewal(secret: "s", due: 1, period: 2, last: 3), earliest: 4, latest: 5)])
        for child in Array(Mirror(reflecting: traits).children) + Array(Mirror(reflecting: record).children) {
            let isNothing = Mirror(reflecting: child.value).displayStyle == .optional && Mirror(reflecting: child.value).children.isEmpty
            #expect(!isNothing, "give \(child.label ?? "?") a value here, and write and read it in StateRecord+JSON.swift")
        }
        #expect(try StateRecord(json: record.json) == record)
        #expect(try JSON.decode(StateRecord.self, from: JSON.encode(record)) == record)
    }

    @Test func everyMemberOfWhatIsObservedComesBack() throws {
        var instance = ObservedInstance(
            service: "web", index: 2, status: .restarting, pid: 5, startTime: 6, createdAt: 7, startedAt: 8, finishedAt: 9, exitCode: 1,
            restarts: 3, stoppedByUser: true, configHash: "hash", command: ["serve"], failure: "why", health: ObservedHealth(output: "out"))
        instance.groups = ["/g"]
        instance.isPaused = true
        instance.ranOutOfMemory = true
        instance.isEnding = true
        instance.isHeld = true
        instance.awaitsMeans = true
        instance.oneOff = OneOff(service: "web", name: "job", isRemovedAtEnd: true)
        for child in Mirror(reflecting: instance).children {
            let isNothing = Mirror(reflecting: child.value).displayStyle == .optional && Mirror(reflecting: child.value).children.isEmpty
            #expect(!isNothing, "give \(child.label ?? "?") a value here, and write and read it in ObservedState+JSON.swift")
        }
        var state = ObservedState(
            supervisorPID: 1, instances: [instance, ObservedInstance(service: "db", index: 1, status: .created)],
            mounts: [ObservedMount(service: "web", files: Self.whole.files)], maskedFiles: [MaskedFile(path: "/p", identity: "1:2")],
            schedule: ObservedSchedule(renewals: [ScheduledRenewal(secret: "s", due: 1, period: 2, last: 3)], underWay: ["s"], isAttended: true))
        state.isSupervisorEnding = true
        #expect(try ObservedState(json: state.json) == state)
        #expect(try JSON.decode(ObservedState.self, from: JSON.encode(state)) == state)
    }
}
