import Glibc
import Linux
import SourceProtocol
import Testing

@testable import SecretSources

@Suite struct CommandDriverTests {
    private let folder = TestFolder()

    private func run(_ text: String, _ more: [String: String] = [:], arguments: String = "") -> Result<String, SourceError> {
        let program = folder.program("program", "#!/bin/sh\n" + text)
        return fetch("command", ["command": "\(program) \(arguments)"].merging(more) { $1 }, in: folder, labels: ["tier": "1"])
    }

    @Test func theValueIsWhatItPrints() {
        #expect(run(#"printf 'a\0b\n'"#) == .success("a\0b\n"))
        #expect(run("printf 'value\\r\\n\\n'", ["trim": "true"]) == .success("value"))
    }

    @Test func itIsToldInJSONWhatIsWanted() {
        #expect(run("cat") == .success(#"{"version":1,"name":"password","project":"shop","labels":{"tier":"1"}}"# + "\n"))
    }

    @Test func theExampleInTheFixturesWorks() {
        let fixture = #filePath.split(separator: "/").dropLast(3).reduce("") { $0 + "/" + $1 } + "/Fixtures/secret-command"
        func value(_ name: String) -> Result<String, SourceError> {
            let request = SourceRequest(
                driver: "command", options: ["command": "./from-folder values"], name: name, project: "shop", directory: fixture,
                environment: callersEnvironment())
            switch SourceServer.answer(request) {
            case .value(let bytes): return .success(bytes.text)
            case .failure(let error): return .failure(error)
            }
        }
        #expect(value("db_password") == .success("correct horse battery staple"))
        #expect(value("none").problem?.reason == "from-folder ended with status 1: there is no file values/shop/none")
        #expect(value("../x").problem?.reason.contains("can't be kept in a file") == true)
    }

    @Test func noShellTouchesItsArguments() {
        #expect(run(#"printf '%s|' "$@""#, arguments: #"'a b' $HOME * "c;d""#) == .success("a b|$HOME|*|c;d|"))
    }

    @Test func itStartsInTheFolderOfTheComposeFileWithTheCallersEnvironment() {
        #expect(run("pwd; printf '%s' \"$PATH\"") == .success(folder.path + "\n" + callersEnvironment()["PATH"]!))
        _ = folder.program("beside", "#!/bin/sh\necho near")
        #expect(fetch("command", ["command": "./beside"], in: folder) == .success("near\n"))
    }

    @Test func whatItSaysWhenItFailsIsShownInOneLineWithoutControlCharacters() {
        let problem = run(#"printf 'first\nno \033[31mtoken\033[0m\tfor\302\205you\n' >&2; exit 3"#).problem
        #expect(problem?.reason == "program ended with status 3: no [31mtoken [0m for you")
        #expect(run("kill -9 $$").problem?.reason == "program was killed by signal 9")
        #expect(run("exit 1").problem?.reason == "program ended with status 1")
    }

    @Test func whatItSaysIsNotShownWhereItHoldsWhatItPrints() {
        let problem = run("set -x; printf 'canary-value'; exit 1").problem
        #expect(problem?.reason == "program ended with status 1: + exit 1")
        let told = run("printf 'canary-value'; echo '+ printf canary-value' >&2; exit 1").problem
        #expect(told?.reason == "program ended with status 1: what it said is not shown, since what it printed is in there")
    }

    @Test func whatItSaysIsNoPartOfTheValue() {
        #expect(run("echo warning >&2; printf value") == .success("value"))
    }

    @Test func aLongComplaintIsCut() {
        let reason = run("head -c 5000 /dev/zero | tr '\\0' x >&2; exit 1").problem?.reason ?? ""
        #expect(reason.hasSuffix("xxx…") && reason.utf8.count < 400)
    }

    @Test func aValueThatIsCutOffInWhatItSaysIsNotShownEither() {
        let text = String(repeating: "canary", count: 20)
        #expect(run("printf \(text); printf '%0250d%s' 0 \(text) >&2; exit 1").problem?.reason.contains("canary") == false)
    }

    @Test func lookingForWhatItPrintsTakesNoTime() {
        let start = processorTime()
        let problem = run("yes xxxx | head -n 100000; head -c 63000 /dev/zero | tr '\\0' x >&2; exit 1").problem
        #expect(problem?.reason == "program ended with status 1: what it said is not shown, since it printed too many lines to look for in there")
        #expect(run("yes xxxxy | head -n 900; head -c 63000 /dev/zero | tr '\\0' x >&2; exit 1").problem?.reason.hasSuffix("xxx…") == true)
        #expect(processorTime() - start < .seconds(4))
    }

    @Test func whoTakesTooLongIsEndedWithAllThatItHasStarted() throws {
        let start = ContinuousClock.now
        let problem = run("sleep 987 & echo $! >child; wait", ["timeout": "3s"]).problem
        #expect(problem?.reason == "program took longer than 3 s and was ended")
        #expect(problem?.isTransient == true)
        #expect(ContinuousClock.now - start < .seconds(60))
        let child = try Int32(ProgramOutput("/bin/cat", [folder.path + "/child"]).text.dropLast())!
        // It may be there for a moment, dead, until somebody has waited for it.
        #expect((try? ProgramOutput("/bin/grep", ["State", "/proc/\(child)/status"]).text.contains("S (sleeping)")) != true)
    }

    @Test func whatItLeavesRunningIsNotWaitedFor() {
        let start = ContinuousClock.now
        #expect(run("sleep 987 & printf value", ["timeout": "100s"]) == .success("value"))
        #expect(ContinuousClock.now - start < .seconds(60))
    }

    @Test func itCanAskNobody() {
        #expect(run("exec 3</dev/tty").problem?.reason.contains("status") == true)
        #expect(run("ps -o tty= -p $$ | tr -d ' \\n'") == .success("?"))
    }

    @Test func itInheritsNoDescriptorOfOurs() throws {
        let file = open(folder.write("open", "x"), O_RDONLY)
        defer { close(file) }
        #expect(run("ls /proc/self/fd | tr '\\n' ' '") == .success("0 1 2 3 "))
    }

    @Test func theLimitIsSwarms() {
        #expect((try? run("head -c 512000 /dev/zero").get())?.utf8.count == 512_000)
        #expect(run("head -c 512001 /dev/zero").problem?.reason == "program printed more than 512000 bytes (500 KiB), the most that a secret may have")
        #expect(run("exec cat /dev/zero").problem?.reason.contains("500 KiB") == true)
        #expect(run(":").problem?.reason == "the value is empty; a secret has at least one byte")
    }

    @Test func aProgramThatIsNotThereIsNamed() {
        #expect(fetch("command", ["command": "no-such-program"], in: folder).problem?.description == "the program 'no-such-program' is not there; install it, or add its folder to PATH")
        folder.write("text", "#!/bin/sh")
        #expect(fetch("command", ["command": "./text"], in: folder).problem?.reason == "\(folder.path)/text: not a program that may be run")
        #expect(fetch("command", ["command": "./none"], in: folder).problem?.reason == "\(folder.path)/none: no such program")
        _ = folder.program("wrong", "no program")
        #expect(fetch("command", ["command": "./wrong"], in: folder).problem?.reason.contains("Exec format error") == true)
    }

    @Test func aProgramIsNotLookedForInTheWorkingDirectory() {
        _ = folder.program("here", "#!/bin/sh\necho wrong")
        let environment = ["PATH": ".::\(folder.path.dropFirst())"]
        #expect(fetch("command", ["command": "here"], in: folder, environment: environment).problem?.reason == "the program 'here' is not there")
        #expect(fetch("command", ["command": "here"], in: folder, environment: ["PATH": ".:\(folder.path)"]) == .success("wrong\n"))
    }

    @Test(arguments: ["0s", "5", "-1s", "2h", "soon"]) func aTimeOutThatIsNoneIsRefused(text: String) {
        let problem = run("echo", ["timeout": text]).problem
        #expect(problem?.reason == "the driver option 'timeout' can't be '\(text)'" && problem?.isMistake == true)
    }

    @Test func aCommandLineThatIsNoneIsRefused() {
        for text in ["'", "a 'b", "; ls"] {
            #expect(fetch("command", ["command": text], in: folder).problem?.isMistake == true)
        }
    }
}
