import Glibc
import Linux

/// Where `/etc/resolv.conf` leads, as far as that can be told without waiting: a link of it may lead to a network filesystem that hangs, and
/// with it whoever looks.
///
/// Instances have that one file of the host's `/run`, so views of the host have it by copy.
enum ResolverFile: Equatable {
    /// In the filesystem of `/`, or in that of `/run`.
    case found(path: String, HostCopies.Mark)
    case missing
    /// A mount of its own, which the mount table tells of.
    case mounted
    /// Behind other mounts. What becomes of it does not show.
    case elsewhere

    init() {
        self = .elsewhere
        guard let root = try? FileDescriptor.open("/", O_PATH | O_DIRECTORY) else { return }
        let number = root.number
        if let file = Self.look("etc/resolv.conf", in: number) {
            self = file
            return
        }
        // Another mount is on the way. The one of /run is memory.
        guard let text = Self.link("etc/resolv.conf", in: number) else {
            if errno == EINVAL { self = .mounted }
            return
        }
        let target = Paths.join("/etc", text)
        guard let rest = Paths.rest(of: target, below: "/run"), !rest.isEmpty, let run = try? FileDescriptor.open("run", in: number, O_PATH | O_DIRECTORY),
            let file = Self.look(rest, in: run.number)
        else { return }
        self = file
    }

    /// - Returns: nil where it lies outside of the mount of that folder.
    private static func look(_ path: String, in folder: Int32) -> ResolverFile? {
        do {
            let file = try FileDescriptor.open(path, in: folder, O_PATH, resolution: [.noMounts, .noMagicLinks])
            return .found(path: link("/proc/self/fd/\(file.number)") ?? "", HostCopies.Mark(try file.status()))
        } catch {
            return error.code == ENOENT || error.code == ENOTDIR ? .missing : nil
        }
    }

    private static func link(_ path: String, in folder: Int32 = AT_FDCWD) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { text in
            let length = readlinkat(folder, path, text.baseAddress!, text.count)
            return length < 0 ? nil : String(decoding: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<length]), as: UTF8.self)
        }
    }
}
