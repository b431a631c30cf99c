/// Bytes that were read and not yet used: a head that is not complete, or what a client sends ahead.
struct InboundBuffer {
    private var storage: [UInt8] = []
    private var start = 0

    var count: Int { storage.count - start }
    var isEmpty: Bool { start == storage.count }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        if start > storage.count / 2 {
            storage.removeFirst(start)
            start = 0
        }
        storage.append(contentsOf: bytes)
    }

    /// Frees the memory once all is used: an idle connection holds none.
    mutating func consume(_ count: Int) {
        start += count
        if isEmpty { clear() }
    }

    mutating func clear() { (storage, start) = ([], 0) }

    func withUnread<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(storage.span.extracting(start..<storage.count))
    }
}
