import Glibc

/// Opens `/dev/null` where a standard stream is closed.
///
/// Otherwise the next thing to be opened, a store's file or a socket, would be taken for that stream: printed to, or handed to a command.
public func holdStandardStreams() {
    for stream in STDIN_FILENO...STDERR_FILENO where fcntl(stream, F_GETFD) < 0 {
        // The lowest number that is free is this one. Without O_CLOEXEC, as a standard stream is.
        _ = open("/dev/null", O_RDWR)
    }
}
