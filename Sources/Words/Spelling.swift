/// What a person may have meant by a word that isn't known.
public enum Spelling {
    /// `did you mean 'ports'?`, where one of the candidates is near enough.
    ///
    /// Near is an edit distance, with swapped neighbours as one edit, of at most a third of the word's length; and nearer than
    /// what takes more than two edits is the one candidate that the word is the beginning of.
    public static func suggestion(for word: String, among candidates: some Sequence<String>) -> String? {
        let letters = Array(word.utf8.prefix(64))
        let limit = max(1, (letters.count + 1) / 3)
        var best: (distance: Int, word: String)?
        var longer: [String] = []
        for candidate in candidates where candidate != word {
            let other = Array(candidate.utf8)
            if letters.count > 3, other.count > letters.count + 2, other.starts(with: letters) { longer.append(candidate) }
            guard abs(other.count - letters.count) <= limit else { continue }
            let distance = distance(letters, other)
            if distance <= limit, distance < best?.distance ?? .max { best = (distance, candidate) }
        }
        if longer.count == 1, best?.distance ?? .max > 2 { return "did you mean '\(longer[0])'?" }
        return best.map { "did you mean '\($0.word)'?" }
    }

    /// Optimal string alignment, case ignored.
    static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        func lower(_ byte: UInt8) -> UInt8 {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
        }
        var before: [Int] = []
        var previous = Array(0...b.count)
        for i in 0..<a.count {
            var current = [i + 1]
            current.reserveCapacity(b.count + 1)
            for j in 0..<b.count {
                let same = lower(a[i]) == lower(b[j])
                var cost = min(previous[j] + (same ? 0 : 1), previous[j + 1] + 1, current[j] + 1)
                if i > 0, j > 0, lower(a[i]) == lower(b[j - 1]), lower(a[i - 1]) == lower(b[j]) {
                    cost = min(cost, before[j - 1] + 1)
                }
                current.append(cost)
            }
            before = previous
            previous = current
        }
        return previous[b.count]
    }
}
