import Glibc

/// The time from which a source may have set a new value somewhere until that is stored and sent: an end in between would lose it. SIGTERM
/// and SIGHUP wait meanwhile. Ctrl-C does not: it reaches the source's program as well, and is a person's own word.
enum DeferredTermination {
    static func begin() { change(SIG_BLOCK) }

    static func end() { change(SIG_UNBLOCK) }

    private static func change(_ how: Int32) {
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGHUP)
        sigprocmask(how, &signals, nil)
    }
}
