import Linux

/// The audit log as the store keeps it.
extension SecretStore {
    /// Notes what happened outside of a commit, such as that a value was read for somebody. It is on the disk when this returns.
    public func audit(_ events: [AuditEvent]) throws(StoreError) { try audit(events, ifNewestIs: nil) }

    /// The same, where nothing was noted since.
    ///
    /// - Parameter newest: the number of what has to be the newest entry; nil: whatever that is.
    /// - Returns: false where there is a newer one.
    @discardableResult
    func audit(_ events: [AuditEvent], ifNewestIs newest: UInt64?) throws(StoreError) -> Bool {
        guard !events.isEmpty else { return true }
        try refresh()
        while true {
            let index = try currentIndex()
            guard index.logHead.file != Identifier(0) else {
                // A store of format 1 has no log yet.
                var changes = StoreChanges()
                for event in events { changes.note(event) }
                try commit(changes)
                return true
            }
            guard let log = try openLog(for: .appending) else {
                // A rekey may have begun another file.
                if try refresh() { continue }
                throw .damaged(file: folder.path(of: AuditLog.fileName(index.logHead.file)), what: .missing)
            }
            let head: LogHead
            do {
                try log.lock()
                defer { log.unlock() }
                try refresh()
                guard try currentIndex().logHead.file == index.logHead.file else { continue }
                let end = try log.tail(after: try newestHead(), dataKey: dataKey).head
                if let newest, end.sequence != newest { return false }
                head = try log.append(events.map { (event: $0, generation: 0) }, after: end, dataKey: dataKey)
            }
            try log.synchronize()
            // A commit that was announced before may have come about since, and its head knows nothing of these entries.
            while true {
                try keep(head)
                guard try refresh() else { return true }
                guard try currentIndex().logHead.file == head.file else { return true }
            }
        }
    }

    /// Every entry of the log, oldest first, after checking that none is missing or changed.
    ///
    /// - Throws: `damaged` naming the log's file.
    public func log() throws(StoreError) -> [LogEntry] {
        try refresh()
        while true {
            let head = try currentIndex().logHead
            guard head.file != Identifier(0) else { return [] }
            guard let log = try openLog(for: .reading) else {
                if try refresh() { continue }
                throw .damaged(file: folder.path(of: AuditLog.fileName(head.file)), what: .missing)
            }
            let known = try newestHead()
            var start = LogHead()
            start.file = head.file
            let tail = try log.tail(after: start, dataKey: dataKey)
            guard tail.head.sequence >= known.sequence, try log.holds(known, dataKey: dataKey) else {
                throw .damaged(file: log.path, what: .broken)
            }
            var entries = tail.entries
            // A commit may have come about since.
            try refresh()
            let abandoned = entries.abandoned(generation: try currentIndex().generation)
            for position in entries.indices where abandoned.contains(entries[position].sequence) {
                entries[position].isDone = false
            }
            return entries
        }
    }

    /// The log that the index speaks of; nil where its file is gone, as it is after a rekey by another command.
    func openLog(for use: AuditLog.Use) throws(StoreError) -> AuditLog? {
        try AuditLog.open(try currentIndex().logHead.file, in: folder, store: header.store, for: use)
    }

    /// The log's newest end that anyone has noted.
    func newestHead() throws(StoreError) -> LogHead {
        let index = try currentIndex()
        // One that is older than the index is no measure for it: a restored store has fewer entries than the one before it.
        guard let kept = try KeptHead.read(location, store: header.store), kept.generation >= index.generation,
            kept.log.file == index.logHead.file, kept.log.sequence > index.logHead.sequence
        else { return index.logHead }
        return kept.log
    }

    /// Notes the log's end, apart from the store.
    ///
    /// - Parameter durably: whether it is on the disk when this returns.
    func keep(_ head: LogHead, durably: Bool = false) throws(StoreError) {
        var head = head
        // Somebody may have noted something while a commit was under way: it lies behind the commit's own entries. (A log that was restored
        // since has no such entry.)
        if let noted = (try? KeptHead.read(location, store: header.store))?.log, noted.file == head.file, noted.sequence > head.sequence,
            let log = try openLog(for: .reading), try log.holds(noted, dataKey: dataKey) {
            head = noted
        }
        try KeptHead.write(
            KeptHead(generation: try currentIndex().generation, log: head, keys: [Identifier(ofKey: dataKey)]), location, store: header.store,
            durably: durably)
    }

    /// Writes down what a commit is about to do, before it does it. Should it not come about, the next commit notes that.
    ///
    /// - Returns: the log's head for the commit's index.
    func announce(_ events: [AuditEvent], generation: UInt64) throws(StoreError) -> LogHead {
        let index = try currentIndex()
        var start = index.logHead
        let isNew = start.file == Identifier(0)
        if try KeptHead.read(location, store: header.store) == nil {
            try KeptHead.reserve(location, store: header.store)
            // Only after the commit that began the log may it be missing.
            if !isNew { try keep(start, durably: true) }
        }
        if isNew { start.file = .random() }
        guard let log = try AuditLog.open(start.file, in: folder, store: header.store, for: isNew ? .creating : .appending) else {
            throw .damaged(file: folder.path(of: AuditLog.fileName(start.file)), what: .missing)
        }
        if isNew { try folder.synchronize() }
        let head = try append(events, to: log, after: start, generation: generation)
        try log.synchronize()
        return head
    }

    /// Sees to it that an index with the next number makes nothing valid that did not come about: entries of a commit with that number, by a
    /// writer that died.
    ///
    /// - Returns: the log's end, with what was noted outside of commits.
    func settleLog() throws(StoreError) -> LogHead {
        let index = try currentIndex()
        guard index.logHead.file != Identifier(0) else { return index.logHead }
        return try announce([], generation: index.generation + 1)
    }

    private func append(
        _ events: [AuditEvent], to log: borrowing AuditLog, after start: LogHead, generation: UInt64
    ) throws(StoreError) -> LogHead {
        let index = try currentIndex()
        try log.lock()
        defer { log.unlock() }
        let tail = try log.tail(after: start, dataKey: dataKey)
        guard try tail.head.sequence >= newestHead().sequence else { throw .damaged(file: log.path, what: .broken) }
        var unfinished: Set<UInt64> = []
        for entry in tail.entries where entry.generation > index.generation {
            if entry.event.kind == .abandoned {
                unfinished.remove(entry.generation)
            } else {
                unfinished.insert(entry.generation)
            }
        }
        let abandoned: [(event: AuditEvent, generation: UInt64)] = unfinished.sorted().map {
            (event: AuditEvent(.abandoned, detail: "the entries of commit \($0) before this one"), generation: $0)
        }
        return try log.append(
            abandoned + events.map { (event: $0, generation: generation) }, after: tail.head, dataKey: dataKey)
    }
}

extension [LogEntry] {
    /// The entries of commits that did not come about.
    ///
    /// - Parameter generation: the newest commit's.
    func abandoned(generation: UInt64) -> Set<UInt64> {
        var result: Set<UInt64> = []
        var pending: [UInt64: [UInt64]] = [:]
        for entry in self where entry.generation > 0 {
            if entry.event.kind == .abandoned {
                result.formUnion(pending.removeValue(forKey: entry.generation) ?? [])
            } else {
                pending[entry.generation, default: []].append(entry.sequence)
            }
        }
        for (number, sequences) in pending where number > generation { result.formUnion(sequences) }
        return result
    }
}
