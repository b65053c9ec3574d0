import CLinux
import Compose
import Glibc
import JSON
import Linux

/// One input for libFuzzer (https://llvm.org/docs/LibFuzzer.html): loaded as a Compose file, and printed in both forms. Nothing is expected of
/// the outcome but that there is one.
///
/// What begins with `#env ` is an env file for a small project of its own, and what begins with `#log ` is an instance's log.
private func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let rest = Array(bytes.dropFirst(5))
    if bytes.starts(with: "#log ".utf8) {
        readLog(rest)
    } else if bytes.starts(with: "#env ".utf8) {
        let file = FileDescriptor(owning: clinux_memory_file("env"))
        try? file.writeAll(rest)
        load(project, envFiles: ["/proc/self/fd/\(file.number)"])
    } else {
        load(bytes, envFiles: [])
    }
    return 0
}

/// The package manager has this function called in place of `main`, which libFuzzer would have brought itself.
@_cdecl("Fuzzer_main")
public func run(_ count: Int32, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?) -> Int32 {
    var (count, arguments) = (count, arguments)
    return runDriver(&count, &arguments) { fuzz($0, $1) }
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
    _ callback: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

private let project = Array(
    """
    services:
      web:
        image: ${IMAGE:-none}:${TAG-latest}
        environment: [A, B=${B:?is missing}, "C=${C:+${D}}$$"]
    """.utf8)

private func load(_ text: [UInt8], envFiles: [String]) {
    // A folder in which there is nothing to be named by an input.
    let options = ProjectOptions(
        files: ["-"], projectName: "fuzz", envFiles: envFiles, purpose: .printing, workingDirectory: "/proc/self/fdinfo",
        environment: ["HOME": "/nonexistent", "B": "b", "A": "a"], standardInput: { text })
    let result = loadProject(options)
    for diagnostic in result.diagnostics { precondition(!diagnostic.message.isEmpty, "a diagnostic without a message") }
    guard let project = result.project else {
        precondition(result.diagnostics.contains { $0.severity == .error }, "refused without a reason")
        return
    }
    _ = renderYAML(project.document)
    _ = project.jsonDocument.serialized(pretty: true)
}
