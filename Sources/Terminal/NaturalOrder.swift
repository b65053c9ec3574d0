/// Whether one name comes before another where runs of digits count as numbers: `web9` before `web10`.
///
/// It is the order of Docker's lists; upper case comes before lower case.
public func naturallyPrecedes(_ left: String, _ right: String) -> Bool {
    var (first, second) = (Array(left.utf8)[...], Array(right.utf8)[...])
    while let one = first.first, let other = second.first {
        if isDigit(one), isDigit(other) {
            let numbers = (takeNumber(&first), takeNumber(&second))
            if numbers.0.count != numbers.1.count { return numbers.0.count < numbers.1.count }
            if !numbers.0.elementsEqual(numbers.1) { return numbers.0.lexicographicallyPrecedes(numbers.1) }
        } else {
            if one != other { return one < other }
            first.removeFirst()
            second.removeFirst()
        }
    }
    if first.isEmpty != second.isEmpty { return first.isEmpty }
    // Only leading zeros tell them apart.
    return left.utf8.lexicographicallyPrecedes(right.utf8)
}

/// A run of digits without its leading zeros: the longer one is the larger number.
private func takeNumber(_ bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let digits = bytes.prefix(while: isDigit)
    bytes = bytes[digits.endIndex...]
    return digits.drop { $0 == UInt8(ascii: "0") }
}

private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }
