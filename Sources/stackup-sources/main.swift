import Glibc
import Linux
import SecretSources

// Answers the requests of one stackup command; see SourceProtocol and docs/secret-sources.md.
do {
    let input = FileDescriptor(owning: STDIN_FILENO)
    let output = FileDescriptor(owning: STDOUT_FILENO)
    try SourceServer.serve(from: input, to: output, environment: callersEnvironment())
} catch {
    let errors = FileDescriptor(owning: STDERR_FILENO)
    try? errors.writeAll(Array("stackup-sources: \(error)\n".utf8))
    exit(1)
}
