import Glibc
import Linux
import Testing

@testable import Runner

/// What is said of hosts that this one is not.
@Suite struct NamespaceDiagnosisTests {
    private func diagnosis(_ code: Int32, call: String = "unshare", _ change: (inout HostRestrictions) -> Void = { _ in }) -> NamespaceDiagnosis {
        var host = HostRestrictions()
        (host.mostUserNamespaces, host.mostMountNamespaces) = (15_000, 15_000)
        change(&host)
        return NamespaceDiagnosis(SystemCallError(call, "user namespace", code: code), on: host)
    }

    @Test func rootIsAlwaysAWayOut() {
        for code in [EPERM, EACCES, ENOSPC, EUSERS, ENOSYS, EINVAL, EIO] { #expect(diagnosis(code).remedy.hasSuffix("start the stack as root")) }
    }

    /// The namespace itself may be made there, and then nothing be mounted in it.
    @Test(arguments: [("unshare", EPERM), ("mount", EACCES), ("fsmount", EPERM), ("write", EPERM)])
    func appArmorWantsAProfile(_ call: String, _ code: Int32) {
        let found = diagnosis(code, call: call) {
            $0.appArmorRestricts = true
            $0.executable = "/opt/stackup/bin/stackup"
        }
        #expect(found.cause.contains("kernel.apparmor_restrict_unprivileged_userns is 1"))
        #expect(found.remedy.contains(
            #"printf '%s\n' 'abi <abi/4.0>,' 'include <tunables/global>' 'profile stackup "/opt/stackup/bin/stackup" flags=(unconfined) {' "#
                + #"'  userns,' '  include if exists <local/stackup>' '}' >/etc/apparmor.d/stackup && apparmor_parser -r /etc/apparmor.d/stackup"#))
        #expect(found.remedy.contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"))
    }

    @Test func aPathIsNoPattern() {
        #expect(NamespaceDiagnosis.profile(for: #"/srv/a b/{x}*"@y"#).contains(#"profile stackup "/srv/a b/\{x\}\*\"\@y" flags"#))
        // In a shell's quotes, it stays one word.
        #expect(NamespaceDiagnosis.profileCommand(for: "/o'b").contains(#"'profile stackup "/o'\''b" flags=(unconfined) {'"#))
    }

    @Test func aProfileThatIsThereIsAmended() {
        let found = diagnosis(EPERM) {
            $0.appArmorRestricts = true
            $0.appArmorProfile = "docker-default (enforce)"
        }
        #expect(found.cause.contains("under the profile 'docker-default (enforce)'"))
        #expect(found.remedy.contains("'userns,'") && !found.remedy.contains("printf"))
    }

    @Test func debianHasASettingOfItsOwn() {
        let found = diagnosis(EPERM) {
            $0.cloneIsForbidden = true
            // It comes first in the kernel.
            $0.appArmorRestricts = true
        }
        #expect(found.cause.contains("kernel.unprivileged_userns_clone is 0"))
        #expect(found.remedy.contains("sysctl -w kernel.unprivileged_userns_clone=1"))
        #expect(!found.remedy.contains("apparmor"))
    }

    @Test func noneAreAllowed() {
        #expect(diagnosis(ENOSPC) { $0.mostUserNamespaces = 0 }.remedy.contains("sysctl -w user.max_user_namespaces=15000"))
        let mounts = diagnosis(ENOSPC) { $0.mostMountNamespaces = 0 }
        #expect(mounts.cause.contains("no mount namespaces at all (user.max_mnt_namespaces is 0)"))
        #expect(mounts.remedy.contains("sysctl -w user.max_mnt_namespaces=15000"))
    }

    @Test(arguments: [ENOSPC, EUSERS]) func thereAreTooMany(_ code: Int32) {
        let found = diagnosis(code) { $0.mostUserNamespaces = 20_000 }
        #expect(found.cause.contains("too many already") && found.cause.contains("user.max_user_namespaces is 20000") && found.cause.contains("too deep"))
        #expect(found.remedy.contains("user.max_user_namespaces=40000") && found.remedy.contains("lsns"))
        #expect(diagnosis(code) { ($0.mostUserNamespaces, $0.mostMountNamespaces) = (nil, nil) }.cause.contains("too many already"))
    }

    @Test func aKernelMayHaveNone() {
        #expect(diagnosis(EINVAL) { $0.hasUserNamespaces = false }.cause.contains("CONFIG_USER_NS"))
        #expect(!diagnosis(EINVAL).cause.contains("CONFIG_USER_NS"))
        #expect(diagnosis(ENOSYS).remedy.contains("CONFIG_USER_NS"))
    }

    @Test func containersForbidThem() {
        for code in [EPERM, ENOSYS] {
            let found = diagnosis(code) { $0.isFiltered = true }
            #expect(found.cause.contains("seccomp") && found.remedy.contains("--security-opt seccomp=unconfined"))
        }
        #expect(diagnosis(EPERM) { $0.isInChroot = true }.cause.contains("within a chroot"))
    }

    @Test func whatNobodyKnowsIsSaidAsItIs() {
        #expect(diagnosis(EACCES).cause.hasSuffix("user namespace: Permission denied") && diagnosis(EACCES).remedy.contains("security module"))
        #expect(diagnosis(EIO).cause.hasSuffix("user namespace: Input/output error"))
    }

    @Test func thisHostCanBeRead() {
        let host = HostRestrictions.read()
        #expect(host.mostUserNamespaces != nil && host.hasUserNamespaces && host.executable.hasPrefix("/"))
    }
}
