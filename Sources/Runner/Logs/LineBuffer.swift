/// Memory for lines that are to be written at once. It grows as they need it; what is appended to it is checked for room once per line.
struct LineBuffer: ~Copyable {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var count = 0

    /// In bytes.
    var capacity: Int { memory.count }

    deinit { memory.deallocate() }

    /// Forgets the lines and keeps the memory.
    mutating func removeAll() { count = 0 }

    /// Appends what `put` writes.
    ///
    /// - Parameters:
    ///   - most: how many bytes from where it starts `put` may write to.
    ///   - put: writes to where it is told, and returns how many of the bytes are to stay.
    mutating func append(atMost most: Int, _ put: (UnsafeMutableRawPointer) -> Int) {
        if memory.count - count < most { grow(by: most) }
        let added = put(memory.baseAddress! + count)
        precondition(added <= most)
        count += added
    }

    private mutating func grow(by most: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: max(2 * memory.count, count + most), alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[..<count]))
        memory.deallocate()
        memory = larger
    }

    /// The lines, for as long as `body` runs.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        body(UnsafeRawBufferPointer(rebasing: memory[..<count]))
    }
}
