import Glibc
import Linux
import SecretSources

// Enters the sandbox, or a part of it, and becomes a program:
//   SandboxProbe WALLS LANDLOCK-VERSION HIDDEN:HIDDEN… WRITABLE:WRITABLE… PROGRAM ARGUMENT…
// Tests show what each wall keeps out, and that it gets in without it.
let words = CommandLine.arguments
var sandbox = try Sandbox(Sandbox.Walls(rawValue: Int(words[1])!), landlock: Int(words[2])!)
sandbox.close(hidden: words[3].split(separator: ":").map(String.init), writable: words[4].split(separator: ":").map(String.init))
guard sandbox.walls.rawValue == Int(words[1])! else {
    try? FileDescriptor(owning: STDERR_FILENO).writeAll(Array("only the walls \(sandbox.walls.rawValue) stand\n".utf8))
    exit(3)
}
var arguments = words.dropFirst(5).map { strdup($0) } + [nil]
execv(words[5], &arguments)
exit(127)
