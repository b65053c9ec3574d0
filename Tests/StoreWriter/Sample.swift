import Glibc
import SecretMemory
import SecretStore

/// Fills a new store with a little of everything that it can hold: what `Fixtures/store-format` shows of each format.
///
/// Several commits, a second apart so that times differ, of which a later one removes what an earlier one made.
func makeSample(in store: SecretStore) throws {
    var changes = StoreChanges()
    changes.createSecret(
        "db_password", labels: ["environment": "production", "équipe": "données"],
        source: "file ./db_password.txt", value: try secret("correct horse"))
    changes.createSecret("all_bytes", source: "file ./all_bytes.bin", value: try SecretBytes(copying: Array(0...255)))
    changes.createSecret("one-byte", source: "", value: try SecretBytes(copying: [0]))
    changes.createSecret("removed", source: "standard input", value: try secret("gone"))
    changes.putStackRecord("old", Array("{}".utf8))
    changes.putStackRecord("web", Array(#"{"format":0}"#.utf8))
    try store.commit(changes)
    sleep(1)

    changes = StoreChanges()
    changes.addVersion(of: "db_password", source: "environment DB_PASSWORD", value: try secret("battery staple\n"))
    changes.removeSecret("removed")
    changes.removeStackRecord("old")
    changes.putStackRecord("web", Array(#"{"format":1,"workingDirectory":"/srv/web"}"#.utf8))
    try store.commit(changes)
    sleep(1)

    changes = StoreChanges()
    changes.addVersion(of: "db_password", source: "file ./db_password.txt", value: try secret("correct horse"))
    try store.commit(changes)
}
