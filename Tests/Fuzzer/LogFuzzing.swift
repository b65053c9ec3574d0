import Glibc
import Linux
import Runner

/// An instance's log, of whatever form: read from its beginning and from its end.
func readLog(_ bytes: [UInt8]) {
    // The script's, for the user alone.
    guard let place = getenv("STACKUP_FUZZ_LOGS") else { fatalError("STACKUP_FUZZ_LOGS has to name a folder, as scripts/fuzz does") }
    let folder = String(cString: place)
    do {
        let file = try FileDescriptor.open(folder + "/web-1.log", O_WRONLY | O_CREAT | O_TRUNC, mode: 0o600)
        try file.writeAll(bytes)
        var counts: [Int] = []
        for tail in [nil, 0, 3] {
            var count = 0
            try LogReader(directory: folder, tail: tail).readAvailable { count += $0.bytes.count }
            counts.append(count)
        }
        // A byte that is no text becomes U+FFFD in JSON.
        precondition(counts[0] <= 3 * bytes.count, "more was read than there is")
        precondition(counts[1] == 0, "lines that have not ended are shown")
        precondition(counts[2] <= counts[0], "more was read from the end than there is")
    } catch {
        fatalError("\(error)")
    }
}
