import Glibc
import Linux

/// A store in format 1, as stackup 0.1.0 wrote it: the secrets `a` ("value one") and `b` ("value two", label `stage=test`).
enum FormatOneStore {
    private static let key = "80e161cd1b7c4fb2a6d709253cd1fcaafe8133531e358b23fca4e510eb33bbbd"
    private static let files: KeyValuePairs<String, String> = [
        "header": """
            737461636b75702d73746f726520310a73746f7265203562343965663432306135643764653833343333376536613633
            6339373065320a736c6f74206b65792d66696c6520353863373861643765663634613865346437373933333630633731
            346439646320666366636136303132313862663834356461306137646334396362363862336636366233303439393137
            353132303932303339616130646263353665636463386161653633323939306432376439633365626536633332653438
            643463373534636132386234633663353564626563366461313361303136616238383763643463666436343066373731
            6530306531320a
            """,
        "index": """
            5e018c8afa54f6854934a108dcc8049961cc9ad3fcc9244688365e68f801a2ee9565e5b1551ce60fa12a3a2137d0d19b
            ba77a8827849cd127d37128303e1be2657ed11450d54fd2dc462ab991ba5f7feae5d0f3b4371791cf2062df7b159aa35
            62bf226d7bef04d57c93b725855dbd5eabc1604c14e13a70f662c6f0931661d62883a0a79601630dd735c80fb92ea415
            411b4679f93f3ef77ff142bd76acbfbad96c1a6e868b5e95cbe42d3b3e291f213be7d390960dbb59e2e34310df7d0ffe
            d6a59a475ce212bc7df48be33f641d9025f67f1617566a0db704711d5c3a842ba1a3261d63b10aecd92158c63483cbfb
            f157afaa664eb7524642ef0e364865429b21668da63242251e040ad16ff8cf
            """,
        "lock": "",
        "objects/7381543b5e3007843c77cd9fcf0911b9": """
            f0c2be096808edb00d206a5fd86585dc3ad72f65e62c6a356cd740435174be408f126930376dea8eee43ea80f8e434b8
            c3
            """,
        "objects/cc160881cf830776e562eb4cb66332d0": """
            2cdd1a6ced143c0bde2226cd216a867aef6ae4afbfa08438b0fb931f4d71f84a3f53851213683c22832e4fe86ec9b34e
            41
            """,
    ]

    /// Writes it to a place.
    static func write(to scratch: Scratch) {
        let location = scratch.location
        for folder in [scratch.path + "/data", location.directory, location.directory + "/objects", scratch.path + "/configuration"] {
            mkdir(folder, 0o700)
        }
        scratch.overwrite(location.keyFile, with: bytes(key))
        for (name, content) in files { scratch.overwrite(name, with: bytes(content)) }
    }

    private static func bytes(_ text: String) -> [UInt8] {
        let digits = text.utf8.filter { $0 > UInt8(ascii: " ") }.map { $0 <= UInt8(ascii: "9") ? $0 - UInt8(ascii: "0") : $0 - UInt8(ascii: "a") + 10 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }
}
