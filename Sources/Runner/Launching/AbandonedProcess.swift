import CLinux
import Linux

/// A child that was killed and has not ended yet: one that waits for a filesystem may take its time, and would stay a zombie
/// if nobody waited for it.
public final class AbandonedProcess: Sendable {
    let pid: Int32
    private let process: FileDescriptor

    init(pid: Int32, process: consuming FileDescriptor) {
        self.pid = pid
        self.process = process
    }

    /// Reaps it once it has ended.
    func reap(in loop: EventLoop) throws(SystemCallError) {
        var token: EventLoop.Token?
        token = try loop.add(process.number, .readable) { [self, unowned loop] _ in
            var code: Int32 = 0
            _ = clinux_reap(pid, &code)
            if let token { loop.remove(token) }
        }
    }
}
