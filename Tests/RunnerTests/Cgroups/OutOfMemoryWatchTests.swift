import Glibc
import Linux
import Testing

@testable import Runner

/// Groups of a fake v2 tree (``FakeUnifiedTree``), whose files are written by hand where the kernel would do it.
@Suite struct OutOfMemoryWatchTests {
    private let tree = FakeUnifiedTree()
    private let count = 40

    private func instance(_ number: Int) -> InstanceName { InstanceName(service: "web", index: number) }

    private var inotifyDescriptors: Int {
        guard let folder = try? FileDescriptor.open("/proc/thread-self/fd", O_RDONLY | O_DIRECTORY) else { return -1 }
        return DirectoryListing.names(in: folder.number).count { name in
            var text = [CChar](repeating: 0, count: 64)
            let count = readlinkat(folder.number, name, &text, text.count)
            return count > 0 && text[..<count].map(UInt8.init(bitPattern:)).elementsEqual("anon_inode:inotify".utf8)
        }
    }

    /// A user has 128 descriptors by default, and the other programs of that user need some of them.
    @Test func manyGroupsTakeOneDescriptorAndEachIsToldOf() throws {
        let loop = try EventLoop()
        var told: [InstanceName] = []
        let before = inotifyDescriptors
        let watch = OutOfMemoryWatch(loop: loop) { told.append($0) }
        for number in 1...count {
            tree.addGroup("web-\(number)")
            watch.watch(InstanceCgroup(folders: ["\(tree.path)/web-\(number)"]), of: instance(number))
        }
        // Other tests may watch something meanwhile.
        #expect(inotifyDescriptors - before < count / 2)
        for number in [7, 31] { tree.write("oom_kill 1\n", to: "\(tree.path)/web-\(number)/memory.events") }
        try loop.run(nextDeadline: { MonotonicClock.now() + 2000 }, afterEvents: loop.stop)
        #expect(Set(told) == [instance(7), instance(31)])
        told = []
        watch.forget(instance(7))
        for number in [7, 8] { tree.write("oom_kill 2\n", to: "\(tree.path)/web-\(number)/memory.events") }
        try loop.run(nextDeadline: { MonotonicClock.now() + 2000 }, afterEvents: loop.stop)
        #expect(Set(told) == [instance(8)])
    }
}
