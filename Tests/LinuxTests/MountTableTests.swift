import Glibc
import Testing

@testable import Linux

@Suite("The mounts of a namespace")
struct MountTableTests {
    private func table(_ text: String) -> MountTable { MountTable(Array(text.utf8)) }

    @Test func `mounts are found by their type, wherever they are`() throws {
        let table = table(
            """
            22 29 0:21 / /proc rw,nosuid shared:13 - proc proc rw
            30 29 0:21 / /srv/a\\040chroot/proc rw - proc none rw
            31 29 0:5 / /dev/proc rw shared:2 master:1 - devtmpfs proc rw
            32 29 0:5 / /mnt/-\\134x rw - ext4 /dev/proc rw

            """)
        #expect(try table.places(ofType: "proc") == ["/proc", "/srv/a chroot/proc"])
        #expect(try table.places(ofType: "ext4") == ["/mnt/-\\x"])
    }

    @Test func `a folder is found in the mounts of another namespace`() {
        let own = table(
            """
            20 1 254:0 / / rw - ext4 /dev/vda rw
            21 20 254:1 /@srv /srv rw - btrfs /dev/vdb rw

            """)
        let other = table(
            """
            30 29 254:0 /var/volumes/a/_data /data rw - ext4 /dev/vda rw
            31 29 254:1 /@srv/b/sub /more rw - btrfs /dev/vdb rw
            32 29 254:2 /var/volumes/c /else rw - ext4 /dev/vdc rw

            """)
        #expect(other.hasMounted("/var/volumes/a/_data", of: own) && other.hasMounted("/srv/b", of: own))
        #expect(!other.hasMounted("/var/volumes/a/_data2", of: own) && !other.hasMounted("/var/volumes/c", of: own) && !other.hasMounted("/srv/c", of: own))
        // What lies above it is another folder.
        #expect(!other.hasMounted("/var/volumes/a/_data/sub", of: own))
    }

    @Test func `a place that is no text is not passed over`() {
        let table = MountTable(Array("30 29 0:21 / /x".utf8) + [0xff] + Array(" rw - proc none rw\n".utf8))
        #expect(throws: SystemCallError.self) { try table.places(ofType: "proc") }
    }

    @Test func `another mount of a folder leads to what is in it`() throws {
        let table = table(
            """
            20 1 8:1 / / rw - ext4 /dev/a rw
            21 20 8:2 / /home rw - ext4 /dev/b rw
            22 20 8:1 /var/lib /mnt/lib rw - ext4 /dev/a rw
            23 20 8:2 /me/keys /srv/keys rw - ext4 /dev/b rw
            24 20 8:3 / /var/lib/other rw - ext4 /dev/c rw

            """)
        #expect(try table.aliases(of: "/var/lib/stackup/store") == ["/mnt/lib/stackup/store"])
        #expect(try table.aliases(of: "/home/me/keys/db.txt") == ["/srv/keys/db.txt"])
        // A part of it is mounted elsewhere.
        #expect(try table.aliases(of: "/home/me") == ["/srv/keys"])
        #expect(try table.aliases(of: "/home/me/keys-of-others") == [])
        // Another filesystem hides what lies below.
        #expect(try table.aliases(of: "/var/lib/other/x") == [])
        #expect(try table.aliases(of: "/etc/stackup") == [])
    }

    @Test func `files of a filesystem are found wherever they are mounted by themselves`() {
        let table = table(
            """
            20 1 0:47 /secrets /run/secrets ro - tmpfs none rw
            21 1 0:47 /targets/abc.1 /data/away/secret ro - tmpfs none rw
            22 1 0:47 /targets/abc.2//deleted /data/away/secret ro - tmpfs none rw
            23 1 0:47 /targets/abcd.1 /etc/other ro - tmpfs none rw
            24 1 0:48 /targets/abc.1 /elsewhere ro - tmpfs none rw

            """)
        let device: dev_t = 47
        #expect(table.places(of: device, below: "/targets/abc.") == ["/data/away/secret"])
        #expect(table.count(of: device, below: "/targets/abcd.") > 0)
        #expect(table.count(of: device, below: "/targets/x.") == 0)
        let odd = MountTable(Array("30 29 0:47 /targets/abc.1 /x".utf8) + [0xff] + Array(" rw - tmpfs none rw\n".utf8))
        #expect(odd.places(of: device, below: "/targets/abc.").isEmpty && odd.count(of: device, below: "/targets/abc.") > 0)
    }

    @Test func `a whole filesystem that is mounted twice leads there too`() throws {
        let table = table("20 1 8:1 / / rw - ext4 /dev/a rw\n21 20 8:1 / /mnt rw - ext4 /dev/a rw\n")
        #expect(try table.aliases(of: "/etc/stackup/key") == ["/mnt/etc/stackup/key"])
        #expect(try table.aliases(of: "/mnt/etc/stackup/key") == ["/etc/stackup/key"])
    }
}
