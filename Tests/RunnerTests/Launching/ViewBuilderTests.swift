import Glibc
import Linux
import Testing

@testable import Runner

@Suite struct ViewBuilderTests {
    @Test func `one that does not answer in time is killed, and reaped once it has ended`() throws {
        let specification = try InitSpecification.view(
            masks: [], hiddenPaths: [], processMounts: [], writable: false, isUnprivileged: false)
        // It goes on for ever.
        let builder = try ViewBuilder(specification, executable: InitExecutable("/usr/bin/yes"), keepingCapabilities: false)
        var abandoned: AbandonedProcess?
        do {
            try builder.finish(within: 20)
        } catch {
            #expect(error.description.contains("do not answer"))
            abandoned = error.abandoned
        }
        let pid = try #require(abandoned).pid
        let loop = try EventLoop()
        try abandoned?.reap(in: loop)
        var patience = 1500
        try loop.run(nextDeadline: { MonotonicClock.now() + 20 }) {
            patience -= 1
            // A zombie could still be signalled.
            if kill(pid, 0) != 0 || patience == 0 { loop.stop() }
        }
        #expect(kill(pid, 0) == -1 && errno == ESRCH)
    }
}
