/// What is due when: a binary heap. There is no removal; whoever asks checks whether the purpose still stands.
struct DeadlineQueue<Purpose> {
    private var heap: [(time: Int64, order: UInt64, purpose: Purpose)] = []
    private var added: UInt64 = 0

    /// The earliest time, in milliseconds.
    var next: Int64? { heap.first?.time }

    mutating func add(_ purpose: Purpose, at time: Int64) {
        heap.append((time, added, purpose))
        added += 1
        var child = heap.count - 1
        while child > 0, isEarlier(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    /// Takes the earliest purpose that is due at `time`.
    mutating func popDue(at time: Int64) -> Purpose? {
        guard let first = heap.first, first.time <= time else { return nil }
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && isEarlier(child, least) { least = child }
            if least == parent { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return first.purpose
    }

    private func isEarlier(_ left: Int, _ right: Int) -> Bool {
        (heap[left].time, heap[left].order) < (heap[right].time, heap[right].order)
    }
}
