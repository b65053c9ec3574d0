import SourceProtocol

/// One of Azure's clouds: what a vault's address tells about where tokens for it come from.
struct AzureCloud {
    /// What a token is for.
    let resource: String
    /// Where tokens come from.
    let authority: String

    private static let clouds: [(suffix: String, authority: String)] = [
        ("vault.azure.net", "https://login.microsoftonline.com"),
        ("vault.azure.cn", "https://login.chinacloudapi.cn"),
        ("vault.usgovcloudapi.net", "https://login.microsoftonline.us"),
    ]

    /// The cloud that a vault is in; the public one where its address doesn't tell.
    init(of vault: HTTPAddress) {
        let cloud = Self.clouds.first { vault.host.hasSuffix("." + $0.suffix) } ?? Self.clouds[0]
        resource = "https://" + cloud.suffix
        authority = cloud.authority
    }

    /// The address of a vault.
    ///
    /// - Parameter vault: its name, or its whole address.
    static func address(of vault: String) throws(SourceError) -> HTTPAddress {
        if vault.contains("://") {
            let address = try HTTPAddress(option: vault)
            // Whoever gets a token can read every vault that it is good for.
            guard address.belongs(to: clouds.map(\.suffix)) else {
                throw SourceError(
                    mistake: "\(address.origin) is no key vault of Azure, so it gets no token",
                    remedy: "write the vault's name, or its address below \(clouds.map(\.suffix).joined(separator: ", "))")
            }
            return address
        }
        guard isName(vault) else {
            throw SourceError(mistake: "there can be no key vault '\(vault)'", remedy: "write its name (letters, digits and hyphens), or its address: https://NAME.vault.azure.net")
        }
        return try HTTPAddress("https://\(vault).\(clouds[0].suffix)")
    }

    /// Whether a text has nothing in it but what the names of vaults, secrets and versions have: it becomes a part of an address.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { PercentEncoding.isUnreserved($0) && $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "~") }
    }
}
