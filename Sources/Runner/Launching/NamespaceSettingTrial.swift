import CLinux
import Glibc
import Linux

/// Writes settings to namespaces that are made for it alone: only the kernel knows which ones a namespace has, and which values they take.
///
/// Source: sysctl(8), namespaces(7); `/proc/sys` shows the namespaces of the thread that looks (proc_sys(5)).
public enum NamespaceSettingTrial {
    /// By what was tried: services of one stack often have the same, and a network takes the kernel a millisecond to make. For one thread.
    nonisolated(unsafe) private static var known: [[String]: [(setting: NamespaceSetting, error: SystemCallError)]] = [:]

    /// Tries settings, once for all that ask for the same in this process, which is done in a moment.
    ///
    /// - Parameter settings: of the namespaces that an instance has to itself.
    /// - Returns: those that can't be set, and why. Nothing where no namespaces can be made, or `/proc/sys` can't be written here: then the start tells.
    public static func refusals(of settings: [NamespaceSetting]) -> [(setting: NamespaceSetting, error: SystemCallError)] {
        let key = settings.flatMap { [$0.name, $0.value] }
        if let known = known[key] { return known }
        let trial = Trial(settings)
        var thread = pthread_t()
        // unshare(2) is for the calling thread: with its end the namespaces go.
        let code = pthread_create(&thread, nil, { argument in
            Unmanaged<Trial>.fromOpaque(argument!).takeRetainedValue().run()
            return nil
        }, Unmanaged.passRetained(trial).toOpaque())
        guard code == 0 else {
            Unmanaged.passUnretained(trial).release()
            return []
        }
        pthread_join(thread, nil)
        known[key] = trial.refusals
        return trial.refusals
    }

    private final class Trial {
        let settings: [NamespaceSetting]
        var refusals: [(setting: NamespaceSetting, error: SystemCallError)] = []

        init(_ settings: [NamespaceSetting]) { self.settings = settings }

        func run() {
            // A network takes the kernel longest to make.
            let network = settings.contains { $0.name.hasPrefix("net.") } ? UInt64(CLINUX_NEWNET) : 0
            guard clinux_unshare(UInt64(CLINUX_NEWIPC | CLINUX_NEWUTS) | network) == 0 else { return }
            for setting in settings {
                do {
                    try write(setting)
                } catch where error.code != EROFS && error.code != EACCES {
                    refusals.append((setting, error))
                } catch {}
            }
        }

        private func write(_ setting: NamespaceSetting) throws(SystemCallError) {
            let file = try FileDescriptor.open("/proc/sys/" + String(setting.name.map { $0 == "." ? "/" : $0 }), O_WRONLY)
            let bytes = Array(setting.value.utf8)
            let count = bytes.withUnsafeBytes { Glibc.write(file.number, $0.baseAddress, $0.count) }
            if count != bytes.count { throw SystemCallError("write", setting.name, code: count < 0 ? errno : EINVAL) }
        }
    }
}
