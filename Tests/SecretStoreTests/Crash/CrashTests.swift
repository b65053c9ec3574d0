import Glibc
import Linux
import SecretStore
import Testing

/// A crash leaves the old state or the new one.
@Suite struct CrashTests {
    @Test func aWriterKilledAtAnyMomentTearsNothing() throws {
        let scratch = Scratch()
        let store = try SecretStore.openOrCreate(scratch.location)
        try store.create(["busy": "value by nobody", "quiet": "untouched"])
        var last = 1
        for _ in 0..<40 {
            let writer = Child.writer(scratch.location, "rotate", "busy", "100000")
            // However slow the machine is: after at least one commit, and at any moment of the next.
            while try store.snapshot().secret("busy")!.versions.count == last { usleep(500) }
            usleep(UInt32.random(in: 0...10_000))
            writer.kill()
            #expect(writer.wait() == -SIGKILL)
            let versions = try #require(try store.snapshot().secret("busy")).versions
            #expect(versions.map(\.number) == Array(1...versions.count))
            #expect(versions.count >= last)
            last = versions.count
            #expect(try store.text("busy").hasPrefix("value by "))
            #expect(try store.text("quiet") == "untouched")
        }
        #expect(last > 40)
        try store.rotate("quiet", to: "touched")
        #expect(scratch.objects.count == last + 2)
    }
}
