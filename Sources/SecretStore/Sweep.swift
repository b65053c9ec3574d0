/// The removal of objects that no index refers to.
extension SecretStore {
    /// Removes what a commit has replaced, and, after a commit that was cut short, whatever that left.
    ///
    /// Only once the index that refers to none of it is on the disk, and only under the lock: a later
    /// writer's new objects are not in its index yet. A reader that still has the old index looks again.
    ///
    /// - Returns: false where something stays that a later sweep has to remove; no reason to call the
    ///   commit failed.
    func sweep(after index: Index, released: [Identifier], everything: Bool) -> Bool {
        guard !released.isEmpty || everything else { return true }
        // Somebody looks at all objects of an older index: a later sweep removes everything.
        return ObjectsPin.withoutAny(objects) { remove(after: index, released: released, everything: everything) } ?? false
    }

    private func remove(after index: Index, released: [Identifier], everything: Bool) -> Bool {
        do {
            for object in released { try objects.remove(object.hexadecimal) }
            if everything {
                let referenced = index.objects
                for name in try objects.names() {
                    // What is not named like an object is somebody else's and left alone.
                    guard let object = Identifier(hexadecimal: name), !referenced.contains(object) else { continue }
                    try objects.remove(name)
                }
                let log = AuditLog.fileName(index.logHead.file)
                for name in try folder.names() where AuditLog.isFileName(name) && name != log { try folder.remove(name) }
            }
            return true
        } catch {
            return false
        }
    }
}
