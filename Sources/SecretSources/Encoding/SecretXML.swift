import SecretMemory
import SourceProtocol

/// Takes texts of elements out of XML, as much of it as AWS's token service speaks: elements without attributes that
/// hold texts without markup.
enum SecretXML {
    /// The text of the first element of a name; nil where there is none, or it holds more than plain text.
    static func text(of element: String, in xml: borrowing SecretBytes) throws(SourceError) -> SecretBytes? {
        let (start, end) = (Array("<\(element)>".utf8), Array("</\(element)>".utf8))
        let range: Range<Int>? = xml.withUnsafeBytes { bytes in
            guard let from = position(of: start, in: bytes, from: 0).map({ $0 + start.count }),
                let to = position(of: end, in: bytes, from: from),
                // An entity or an element in there would have to be understood.
                !bytes[from..<to].contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: "&") })
            else { return nil }
            return from..<to
        }
        guard let range else { return nil }
        return try xml.slice(range).trimmed()
    }

    private static func position(of text: [UInt8], in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard bytes.count >= start + text.count else { return nil }
        return (start...(bytes.count - text.count)).first { bytes[$0..<($0 + text.count)].elementsEqual(text) }
    }
}
