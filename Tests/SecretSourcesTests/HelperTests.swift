import Glibc
import JSON
import Linux
import SecretMemory
import SourceProtocol
import Testing

@testable import SecretSources

/// `stackup-sources` as a process, sandbox and all.
@Suite(.serialized) struct HelperTests {
    private let folder = TestFolder()

    /// A running helper.
    private struct Helper: ~Copyable {
        let process: ChildProcess
        let answers: FileDescriptor

        init(_ input: [UInt8], _ environment: [String: String]? = nil) throws {
            let questions = try FileDescriptor.memory(input, name: "requests")
            let pipe = try FileDescriptor.pipe()
            let null = try FileDescriptor.open("/dev/null", O_RDWR)
            let own = realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? ""
            process = try ChildProcess(
                Paths.directory(of: own) + "/stackup-sources", ["stackup-sources"], environment: environment,
                descriptors: [questions.number, pipe.write.number, null.number])
            answers = pipe.takeReadEnd()
        }
    }

    private func request(_ driver: String, _ options: [String: String]) -> SourceRequest {
        SourceRequest(driver: driver, options: options, name: "password", project: "shop", directory: folder.path)
    }

    private func ask(
        _ requests: [SourceRequest], hidden: [String] = ["/var/lib/stackup"], _ environment: [String: String]? = nil
    ) throws -> [Result<String, SourceError>?] {
        let helper = try Helper(JSON.encode(SourceRequests(requests, hidden: hidden)), environment)
        var results = [Result<String, SourceError>?](repeating: nil, count: requests.count)
        let input = AnswerInput(
            try helper.answers.duplicate(), writer: helper.process.descriptor.number, deadline: .now + .seconds(60))
        while try SourceAnswer.read(from: input, requests: requests.count, { index, answer in
            switch consume answer {
            case .value(let bytes): results[index] = .success(bytes.text)
            case .failure(let error): results[index] = .failure(error)
            }
        }) {}
        #expect(helper.process.wait() == .exited(0))
        return results
    }

    @Test func allRequestsAreAnsweredByOneProcessSeveralAtATime() throws {
        let program = folder.program("program", "#!/bin/sh\nsleep 0.3\nps -o ppid= -p $$ >>parents\necho \"$1\"\n")
        let start = ContinuousClock.now
        let results = try ask((0..<16).map { request("command", ["command": "\(program) \($0)", "writable": "."]) } + [request("none", [:])])
        #expect(ContinuousClock.now - start < .seconds(3))
        for index in 0..<16 { #expect(results[index] == .success("\(index)\n")) }
        #expect(results[16]?.problem?.isMistake == true)
        #expect(Set(try ProgramOutput("/bin/cat", [folder.path + "/parents"]).text.split(separator: "\n")).count == 1)
    }

    @Test func valuesOfAnyBytesAndSizesComeThrough() throws {
        let results = try ask([
            request("command", ["command": #"printf '\0\1\377\n'"#]), request("command", ["command": "head -c 512000 /dev/zero"]),
            request("command", ["command": "true"]),
        ])
        #expect((try results[0]?.get())?.utf8.first == 0)
        #expect((try results[1]?.get())?.utf8.count == 512_000)
        #expect(results[2]?.problem?.reason.contains("empty") == true)
    }

    @Test func managersAreReachedFromWithinTheSandbox() throws {
        let server = try ServerProcess("vault.py")
        let environment = ["PATH": "/usr/bin:/bin", "VAULT_TOKEN": server["token"], "VAULT_ADDR": server["address"].replacing("127.0.0.1", with: "localhost")]
        let options = ["path": "shop/one", "ca-file": server["folder"] + "/ca.pem"]
        let results = try ask([request("vault", options), request("vault", ["path": "shop/one"])], environment)
        #expect(results[0] == .success("the only one"))
        #expect(results[1]?.problem?.reason.contains("certificate") == true)
    }

    @Test func whatIsHiddenIsHiddenFromPrograms() throws {
        folder.write("key", "canary")
        folder.write("open", "public")
        let requests = ["key", "open"].map { request("command", ["command": "cat \($0)"]) }
        let results = try ask(requests, hidden: [folder.path + "/key"])
        #expect(results[0]?.problem?.reason.contains("ermission denied") == true)
        #expect(results[1] == .success("public"))
        #expect(try ask(requests, hidden: [])[0] == .success("canary"))
    }

    @Test func whatMakesNoSenseIsRefused() throws {
        for text in ["", "{", "[]", #"{"requests":[{"driver":"command"}],"hidden":[]}"#] {
            let helper = try Helper(Array(text.utf8))
            #expect(try helper.answers.readAll()?.isEmpty == true)
            #expect(helper.process.wait() == .exited(1))
        }
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func whoEndsItEndsItsPrograms(signal: Int32) throws {
        let program = folder.program("program", "#!/bin/sh\necho $$ >pid.new; mv pid.new pid\nsleep 987\n")
        let helper = try Helper(JSON.encode(SourceRequests([request("command", ["command": program, "writable": "."])], hidden: [])))
        let pid = try #require(awaited("pid"))
        kill(helper.process.pid, signal)
        #expect(helper.process.wait() == .exited(128 + signal))
        #expect(hasEnded(pid))
    }

    @Test func itEndsWithWhoeverStartedIt() throws {
        let program = folder.program("program", "#!/bin/sh\necho $$ >pid.new; mv pid.new pid\nsleep 987\n")
        folder.write("requests", String(decoding: try JSON.encode(SourceRequests([request("command", ["command": program, "writable": "."])], hidden: [])), as: UTF8.self))
        let own = Paths.directory(of: realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? "")
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let parent = try ChildProcess(
            "/bin/sh", ["sh", "-c", "'\(own)/stackup-sources' <requests >answers; :"], directory: folder.path,
            descriptors: [null.number, null.number, null.number])
        let pid = try #require(awaited("pid"))
        kill(parent.pid, SIGKILL)
        _ = parent.wait()
        #expect(hasEnded(pid))
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func nobodyLooksIntoIt() throws {
        let program = folder.program("program", "#!/bin/sh\nps -o ppid= -p $$ >pid.new; mv pid.new pid\nsleep 987\n")
        let helper = try Helper(JSON.encode(SourceRequests([request("command", ["command": program, "writable": "."])], hidden: [])))
        let pid = try #require(awaited("pid"))
        #expect(pid == helper.process.pid)
        var status = stat()
        // What may not be dumped belongs to root (proc(5)), and so does this; the limits say the rest.
        #expect(stat("/proc/\(pid)/environ", &status) == 0 && status.st_uid == 0)
        let facts = try ProgramOutput("/bin/sh", ["-c", "grep -h -E 'NoNewPrivs|Seccomp:|CapEff' /proc/\(pid)/status; grep core /proc/\(pid)/limits"]).text
        #expect(facts.contains("NoNewPrivs:\t1") && facts.contains("Seccomp:\t2") && facts.contains("CapEff:\t00000000000040ef"))
        #expect(facts.contains("Max core file size        0"))
        kill(pid, SIGTERM)
        _ = helper.process.wait()
    }

    /// Whether a process ends within a second or two. Nobody may have waited for it yet.
    private func hasEnded(_ pid: Int32) -> Bool {
        for _ in 0..<100 {
            let status = (try? ProgramOutput("/bin/cat", ["/proc/\(pid)/status"]).text) ?? ""
            if !status.contains("State:") || status.contains("State:\tZ") { return true }
            usleep(20_000)
        }
        return false
    }

    /// The number in a file, once it is there.
    private func awaited(_ name: String) -> Int32? {
        for _ in 0..<250 {
            if access(folder.path + "/" + name, F_OK) == 0,
                let text = try? ProgramOutput("/bin/cat", [folder.path + "/" + name]).text
            {
                return Int32(text.filter(\.isNumber))
            }
            usleep(20_000)
        }
        return nil
    }
}
