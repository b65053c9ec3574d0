import Glibc
import Linux
import SecretSources

// Answers the requests of one stackup command; see SourceProtocol and docs/secret-sources.md.
guard isatty(STDIN_FILENO) == 0 else {
    try? FileDescriptor(owning: STDERR_FILENO).writeAll(Array("stackup-sources: it is started by other commands only\n".utf8))
    exit(64)
}
do {
    let input = FileDescriptor(owning: STDIN_FILENO)
    let output = FileDescriptor(owning: STDOUT_FILENO)
    signal(SIGPIPE, SIG_IGN)
    var sandbox = try Sandbox()
    let server = try SourceServer(reading: input, environment: callersEnvironment())
    try sandbox.close(hidden: server.hidden, named: server.named, writable: server.writable)
    // Nothing in here speaks to the terminal any more, which standard error may be.
    dup2(try FileDescriptor.open("/dev/null", O_WRONLY).number, STDERR_FILENO)
    try server.serve(to: output)
} catch {
    let errors = FileDescriptor(owning: STDERR_FILENO)
    try? errors.writeAll(Array("stackup-sources: \(error)\n".utf8))
    exit(1)
}
