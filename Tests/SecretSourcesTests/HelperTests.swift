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
        var answers: FileDescriptor

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

        func input() throws -> AnswerInput {
            AnswerInput(try answers.duplicate(), writer: process.descriptor.number, deadline: .now + .seconds(300))
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
        let input = try helper.input()
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
        let program = folder.program("program", "#!/bin/sh\n: >started.$1\nuntil [ -e started.$(($1 ^ 1)) ]; do sleep 0.05; done\nps -o ppid= -p $$ >>parents\necho \"$1\"\n")
        // Each waits until its neighbour has started, too: one after the other, none would ever end.
        let results = try ask((0..<16).map { request("command", ["command": "\(program) \($0)", "writable": "."]) } + [request("none", [:])])
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

    /// A request for a program that takes its time, and what tells it from all others: the path of what it waits with.
    private func slowRequest(_ script: String = "exec ./waiting 987\n") throws -> SourceRequest {
        _ = try ProgramOutput("/bin/cp", ["/bin/sleep", folder.path + "/waiting"])
        return request("command", ["command": folder.program("program", "#!/bin/sh\ntouch started\n" + script), "writable": "."])
    }

    @Test(arguments: [SIGTERM, SIGINT, SIGHUP]) func whoEndsItEndsItsPrograms(signal: Int32) throws {
        let helper = try Helper(JSON.encode(SourceRequests([slowRequest()], hidden: [])))
        #expect(isTrue { !left().isEmpty })
        kill(helper.process.pid, signal)
        #expect(helper.process.wait() == .exited(128 + signal))
        #expect(left().isEmpty)
    }

    @Test func whoKillsItEndsItsPrograms() throws {
        let helper = try Helper(JSON.encode(SourceRequests([slowRequest("setsid ./waiting 987")], hidden: [])))
        #expect(isTrue { !left().isEmpty })
        kill(helper.process.pid, SIGKILL)
        _ = helper.process.wait()
        #expect(isTrue { left().isEmpty })
    }

    @Test func whatItsProgramsLeaveBehindEndsWithIt() throws {
        // A session of its own, and nobody's child: as daemons do it.
        let requests = [try slowRequest("setsid -f ./waiting 987 </dev/null >/dev/null 2>&1\necho value\n")]
        let helper = try Helper(JSON.encode(SourceRequests(requests, hidden: [])))
        #expect(try SourceAnswer.read(from: helper.input(), requests: 1) { _, _ in })
        #expect(helper.process.wait() == .exited(0))
        #expect(access(folder.path + "/started", F_OK) == 0 && left().isEmpty)
    }

    @Test func itEndsWithWhoeverStartedIt() throws {
        folder.write("requests", String(decoding: try JSON.encode(SourceRequests([slowRequest()], hidden: [])), as: UTF8.self))
        let own = Paths.directory(of: realpath("/proc/self/exe", nil).map { String(cString: $0) } ?? "")
        let null = try FileDescriptor.open("/dev/null", O_RDWR)
        let parent = try ChildProcess(
            "/bin/sh", ["sh", "-c", "'\(own)/stackup-sources' <requests >answers; :"], directory: folder.path,
            descriptors: [null.number, null.number, null.number])
        #expect(isTrue { !left().isEmpty })
        kill(parent.pid, SIGKILL)
        _ = parent.wait()
        #expect(isTrue { left().isEmpty })
    }

    @Test func itEndsWhenNobodyReadsItsAnswersAnyMore() throws {
        var helper = try Helper(JSON.encode(SourceRequests([slowRequest()], hidden: [])))
        #expect(isTrue { !left().isEmpty })
        helper.answers = try FileDescriptor.open("/dev/null", O_RDONLY)
        #expect(helper.process.wait() == .killed(signal: SIGKILL))
        #expect(left().isEmpty)
    }

    @Test(.enabled(if: geteuid() == 0, "needs root")) func nobodyLooksIntoIt() throws {
        let helper = try Helper(JSON.encode(SourceRequests([slowRequest()], hidden: [])))
        #expect(isTrue { !left().isEmpty })
        let monitor = helper.process.pid
        let worker = try #require(Int32(ProgramOutput("/bin/ps", ["-o", "pid=", "--ppid", "\(monitor)"]).text.filter(\.isNumber)))
        for (pid, capabilities) in [(monitor, "0000000000000000"), (worker, "00000000000040e6")] {
            let facts = try ProgramOutput("/bin/sh", ["-c", "grep -h -E 'NoNewPrivs|Seccomp:|CapEff' /proc/\(pid)/status; grep core /proc/\(pid)/limits"]).text
            #expect(facts.contains("NoNewPrivs:\t1") && facts.contains("CapEff:\t\(capabilities)"))
            #expect(facts.contains("Seccomp:\t2") == (pid == worker))
            #expect(facts.contains("Max core file size        0"))
            // What may be dumped belongs to its user.
            let user = try ProgramOutput("/usr/bin/setpriv", ["--reuid=0", "--bounding-set=-all", "--inh-caps=-all", "cat", "/proc/\(pid)/environ"])
            #expect(!user.isSuccess)
        }
        // It has no terminal: neither open, nor its session's.
        #expect(try ProgramOutput("/bin/readlink", ["/proc/\(worker)/fd/2"]).text == "/dev/null\n")
        #expect(try ProgramOutput("/bin/ps", ["-o", "tty=,sid=", "-p", "\(worker)"]).text.split(whereSeparator: \.isWhitespace) == ["?", "\(worker)"])
        kill(monitor, SIGTERM)
        _ = helper.process.wait()
    }

    /// Processes that wait on behalf of this test's program.
    private func left() -> [String] {
        guard let folder = try? FileDescriptor.open("/proc", O_RDONLY | O_DIRECTORY) else { return [] }
        return DirectoryListing.names(in: folder.number).filter { name in
            guard Int32(name) != nil, let file = try? FileDescriptor.open("/proc/\(name)/cmdline", O_RDONLY) else { return false }
            let words = String(decoding: (try? file.readAll()) ?? [], as: UTF8.self).split(separator: "\0")
            return words == ["./waiting", "987"] && (realpath("/proc/\(name)/cwd", nil).map { String(cString: $0) } ?? "") == self.folder.path
        }
    }

    /// Whether something becomes true within half a minute.
    private func isTrue(_ condition: () -> Bool) -> Bool {
        for _ in 0..<1500 {
            if condition() { return true }
            usleep(20_000)
        }
        return false
    }
}
