import Glibc
import Linux
import SourceProtocol
import Synchronization
import Testing

@testable import SecretSources

/// What goes into the sandbox, piece by piece.
@Suite struct SandboxPartsTests {
    private let folder = TestFolder()

    private func device(_ path: String, _ files: [String: String]) {
        var place = ""
        for name in Paths.components(path) { place = folder.make(place.isEmpty ? String(name) : place + "/" + name).dropFirst(folder.path.count + 1).description }
        for (name, text) in files { folder.write(path + "/" + name, text) }
    }

    @Test func amongTheDevicesAreSecurityKeysAndCardReadersButNoKeyboardAndNoDisk() throws {
        let report = "sys/class/hidraw/%/device"
        func described(_ bytes: [UInt8], as name: String) {
            let place = report.split(separator: "%").joined(separator: name)
            device(place, [:])
            let file = open(folder.path + "/" + place + "/report_descriptor", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
            write(file, bytes, bytes.count)
            close(file)
        }
        // A keyboard's begins with the page of desktops (05 01).
        described([0x05, 0x01, 0x09, 0x06], as: "hidraw0")
        described([0x06, 0xd0, 0xf1, 0x09, 0x01], as: "hidraw1")
        let usb = "sys/bus/usb/devices/"
        func usbDevice(_ name: String, number: Int, _ classes: [String]) {
            device(usb + name, ["busnum": "1\n", "devnum": "\(number)\n"])
            for (interface, code) in classes.enumerated() { device(usb + "\(name):1.\(interface)", ["bInterfaceClass": code + "\n"]) }
        }
        usbDevice("1-1", number: 2, ["0b"])
        usbDevice("1-2", number: 3, ["08"])
        usbDevice("1-3", number: 4, ["0b", "08"])
        usbDevice("1-4", number: 5, ["0b", "03"])
        usbDevice("1-5", number: 6, ["03"])
        _ = folder.make("dev")
        for name in ["tpmrm0", "sda", "hidraw0", "hidraw1", "mem"] { folder.write("dev/" + name, "") }
        let names = Devices.names(system: folder.path + "/sys", folder: folder.path + "/dev")
        #expect(names.sorted() == ["bus/usb/001/002", "full", "hidraw1", "null", "random", "tpmrm0", "tty", "urandom", "zero"].sorted(), "\(names)")
    }

    @Test func manyHiddenPathsAreNotGoneThroughForEachFile() throws {
        let paths = (0..<HiddenPaths.limit).map { "/nowhere/\($0 % 100)/\($0)" }
        let hidden = try HiddenPaths(paths)
        let start = processorTime()
        let found = paths.count { hidden.hide($0) && !hidden.lie(below: $0 + "/below") }
        #expect(found == paths.count)
        #expect(hidden.lie(below: "/") && hidden.lie(below: "/nowhere/7") && !hidden.lie(below: "/nowhere/70/1") && !hidden.hide("/nowhere"))
        #expect(processorTime() - start < .seconds(10))
    }

    @Test func tooManyHiddenPathsAreRefusedInsteadOfBeingCutShort() {
        #expect(throws: SandboxError.tooManyHidden(HiddenPaths.limit + 1)) {
            try HiddenPaths((0...HiddenPaths.limit).map { "/nowhere/\($0)" })
        }
    }

    @Test func aHiddenPathThatCanNotBeToldIsAnError() throws {
        // A link to a name that is no text.
        let target: [CChar] = Array((folder.path + "/").utf8CString.dropLast()) + [CChar(bitPattern: 0xff), 0]
        #expect(mkdir(target, 0o755) == 0 && symlink(target, folder.path + "/odd") == 0)
        defer { rmdir(target) }
        #expect(throws: SandboxError.self) { try HiddenPaths([folder.path + "/odd/store"]) }
        // Where links lead in a circle there is nothing.
        symlink("circle", folder.path + "/circle")
        #expect(try HiddenPaths([folder.path + "/circle/store", "/nowhere"]).paths == ["/nowhere"])
    }

    @Test(.enabled(if: geteuid() == 0, "gives files to others")) func aLinkOfSomebodyElsesLeadsNoCoverAway() {
        func doors() -> [String] {
            Doors.paths(["XDG_RUNTIME_DIR": folder.path], shownBy: OwnFolders(named: [], writable: [])).filter { $0.hasPrefix(folder.path) }.map(Paths.lastComponent)
        }
        #expect(doors() == ["bus", "systemd", "docker.sock", "docker", "podman", "containerd", "buildkit"])
        for name in ["bus", "docker"] { symlink("/etc", folder.path + "/" + name) }
        lchown(folder.path + "/docker", 65534, 65534)
        #expect(doors() == ["bus", "systemd", "docker.sock", "podman", "containerd", "buildkit"])
    }

    @Test func variablesNameWhatDriversNeedAndNothingElse() {
        func named(_ environment: [String: String], options: [String: String] = [:]) -> [String] {
            SourceRequest(driver: "command", options: options, name: "password", project: "shop", directory: "/srv/shop", environment: environment).namedPaths
        }
        let doors = ["TMUX": "/run/t/default,1,0", "TMUX_TMPDIR": "/run/t", "SWAYSOCK": "/run/sway.sock", "I3SOCK": "/run/i3", "XDG_RUNTIME_DIR": "/run/user/1", "DOCKER_HOST": "/run/d", "HOME": "/run/home", "ANY": "/run/x"]
        #expect(named(doors) == ["/srv/shop"])
        #expect(
            named(["SSH_AUTH_SOCK": "/run/a", "AWS_WEB_IDENTITY_TOKEN_FILE": "/run/b", "KRB5CCNAME": "FILE:/run/c", "PATH": "/usr/bin:/opt/bin", "HOME": "/tmp/home"])
                == ["/srv/shop", "/usr/bin", "/opt/bin", "/run/a", "/run/c", "/run/b", "/tmp/home"])
        #expect(named([:], options: ["command": "psql -h /run/postgresql ../sql/x '~/y' plain"]) == ["/srv/shop", "/run/postgresql", "/srv/sql/x", "/srv/shop/~/y"])
    }

    @Test(.enabled(if: geteuid() == 0, "restricts a thread without no_new_privs")) func aLinkThatIsLaidOnTheWayLeadsNoRuleElsewhere() throws {
        _ = folder.make("other")
        folder.write("other/file", "text")
        symlink("other", folder.path + "/way")
        let (plain, linked) = (folder.path + "/other/file", folder.path + "/way/file")
        let written = Mutex<[String: Bool]>([:])
        for writable in [plain, linked] {
            Thread {
                let hidden = try! HiddenPaths([])
                try! FileRules(version: 1, hidden: hidden, hasNamespaces: false).enforce(writable: [writable])
                let file = open(plain, O_WRONLY | O_CLOEXEC)
                if file >= 0 { close(file) }
                written.withLock { $0[writable] = file >= 0 }
            }.join()
        }
        #expect(written.withLock { $0 } == [plain: true, linked: false])
    }
}
