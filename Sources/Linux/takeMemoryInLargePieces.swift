import CLinux

/// For a process that is done in a moment: the heap grows by a megabyte at a time and shrinks only by many, which saves it a dozen
/// calls of the kernel (mallopt(3)). What is not touched takes no memory.
public func takeMemoryInLargePieces() {
    clinux_take_memory_in_large_pieces()
}
