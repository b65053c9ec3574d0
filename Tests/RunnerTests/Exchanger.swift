import CLinux
import Glibc
import Linux

/// A thread that exchanges what two names mean, all the time.
final class Exchanger: @unchecked Sendable {
    private let names: ([CChar], [CChar])
    private let isOver = UnsafeMutablePointer<Int32>.allocate(capacity: 1)
    private var thread = pthread_t()

    init(_ one: String, _ other: String) throws {
        names = (Array(one.utf8CString), Array(other.utf8CString))
        isOver.initialize(to: 0)
        let context = Unmanaged.passUnretained(self).toOpaque()
        let code = pthread_create(&thread, nil, { context in
            Unmanaged<Exchanger>.fromOpaque(context!).takeUnretainedValue().run()
            return nil
        }, context)
        guard code == 0 else { throw SystemCallError("pthread_create", code: code) }
    }

    private func run() {
        while isOver.pointee == 0 { _ = clinux_exchange(AT_FDCWD, names.0, names.1) }
    }

    func end() {
        isOver.pointee = 1
        pthread_join(thread, nil)
        isOver.deallocate()
    }
}
