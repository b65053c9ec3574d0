extension Substring {
    /// The parts between separators, empty ones too.
    ///
    /// By bytes: to walk characters costs many times as much, and each command reads such lines.
    ///
    /// - Parameters:
    ///   - separator: of ASCII.
    ///   - count: how many parts at most; the last one then is all that is left.
    func fields(separatedBy separator: Unicode.Scalar, atMost count: Int = .max) -> [Substring] {
        utf8.split(separator: UInt8(ascii: separator), maxSplits: count - 1, omittingEmptySubsequences: false).map { Substring($0) }
    }
}

extension String {
    /// The parts between separators; see ``Substring/fields(separatedBy:atMost:)``.
    func fields(separatedBy separator: Unicode.Scalar, atMost count: Int = .max) -> [Substring] {
        self[...].fields(separatedBy: separator, atMost: count)
    }
}
