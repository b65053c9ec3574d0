import Glibc
import Linux
import SecretSources

// Enters the sandbox, or a part of it, and becomes a program:
//   SandboxProbe WALLS LANDLOCK-VERSION HIDDEN:HIDDEN… NAMED:NAMED… WRITABLE:WRITABLE… PROGRAM ARGUMENT…
// Tests show what each wall keeps out, and that it gets in without it.
let words = CommandLine.arguments
var sandbox = try Sandbox(Sandbox.Walls(rawValue: Int(words[1])!), landlock: Int(words[2])!)
let (hidden, named, writable) = (words[3], words[4], words[5])
func paths(_ text: String) -> [String] { text.split(separator: ":").map(String.init) }
do {
    try sandbox.close(hidden: paths(hidden), named: paths(named), writable: paths(writable))
} catch {
    try? FileDescriptor(owning: STDERR_FILENO).writeAll(Array("\(error)\n".utf8))
    exit(4)
}
guard sandbox.walls.rawValue == Int(words[1])! else {
    try? FileDescriptor(owning: STDERR_FILENO).writeAll(Array("only the walls \(sandbox.walls.rawValue) stand\n".utf8))
    exit(3)
}
var arguments = words.dropFirst(6).map { strdup($0) } + [nil]
execv(words[6], &arguments)
exit(127)
