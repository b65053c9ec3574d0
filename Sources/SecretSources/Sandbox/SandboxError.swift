import Linux

/// Why drivers are not let run: what is to be kept from them would not be.
public enum SandboxError: Error, Equatable, CustomStringConvertible {
    /// So many paths would have to be covered.
    case tooManyHidden(Int)
    /// The kernel has what the sandbox is made of, and it can't be closed all the same.
    case notClosed(SystemCallError)

    public var description: String {
        switch self {
        case .tooManyHidden(let count):
            "\(count) paths would have to be hidden from drivers, and at most \(HiddenPaths.limit) can be; most are sockets in /tmp, /var/tmp or a folder there: "
                + "move the Compose file, and what its drivers name, to another folder"
        case .notClosed(let error): "the sandbox for drivers can't be closed: \(error)"
        }
    }
}
