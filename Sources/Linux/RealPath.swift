import CLinux
import Glibc

/// realpath(3); nil where there is no such file. Where links lead to a name that is no text, the path itself: who
/// opens it follows them again.
public func realPath(_ path: String) -> String? {
    guard let resolved = realpath(path, nil) else { return nil }
    defer { free(resolved) }
    return String(validatingCString: resolved) ?? path
}

/// Tells the file at a path from another one that takes its place later; nil where there is none.
///
/// An inode's number is given again soon after its file is gone, so the time of its birth belongs to it (statx(2)).
public func fileIdentity(_ path: String) -> String? {
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    let result = withUnsafeMutableBytes(of: &words) { clinux_file_identity(path, $0.baseAddress?.assumingMemoryBound(to: UInt64.self)) }
    return result == 0 ? "\(words.0):\(words.1):\(words.2).\(words.3)" : nil
}
