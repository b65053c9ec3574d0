import Linux
import SourceProtocol

/// What a request names: there even where the sandbox has folders of its own.
extension SourceRequest {
    /// Variables that say where credentials, certificates, agents and programs are: what drivers and their programs look at. Many others hold paths too, of sockets
    /// above all, by which a terminal multiplexer or a window manager runs something outside (`TMUX_TMPDIR`, `SWAYSOCK`).
    private static let variables = [
        "PATH", "SSH_AUTH_SOCK", "CREDENTIALS_DIRECTORY",
        "GNUPGHOME", "PASSWORD_STORE_DIR", "SOPS_AGE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_FILE",
        "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "KRB5CCNAME", "KRB5_CONFIG", "KUBECONFIG",
        "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CA_BUNDLE",
        "AZURE_CONFIG_DIR", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_CLIENT_CERTIFICATE_PATH",
        "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG",
    ] + ["VAULT", "BAO"].flatMap { prefix in ["CACERT", "CAPATH", "CLIENT_CERT", "CLIENT_KEY"].map { prefix + "_" + $0 } }
    /// Where programs keep their settings; daemons listen in some of them.
    private static let homes = ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"]

    /// Paths that it names: the Compose file's folder, what looks like one in options, and the variables that are one.
    var namedPaths: [String] {
        let words = options.values.flatMap { $0.split { " \t\n:=,'\"".contains($0) } }
        let inOptions = words.filter { $0.utf8.contains(UInt8(ascii: "/")) || $0.hasPrefix("~") || $0.hasPrefix(".") }.map { path(String($0)) }
        func paths(_ variables: [String]) -> [String] {
            variables.compactMap { environment[$0] }.flatMap { $0.split(separator: ":").map(String.init) }.filter { $0.hasPrefix("/") }
        }
        let ofHomes = paths(Self.homes).filter { Paths.rest(of: Paths.clean($0), below: RuntimeFolder.path) == nil }
        return [directory] + inOptions + paths(Self.variables) + ofHomes
    }
}
