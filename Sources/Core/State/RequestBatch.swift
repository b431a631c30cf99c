/// Requests that have ended, on their way to the store: figures in one piece of memory, texts in another.
///
/// They wait there for a second while thousands of others begin and end. As values with texts of their own each would
/// keep pieces of the heap apart for so long, which makes every other allocation dearer, and the thread that writes
/// them down would give back memory, and references that all requests share, of the thread that serves.
///
/// What is taken in is cut to what can be added up for years, and to names of models of a length that a log can hold:
/// an upstream may say that an answer had any number of tokens, and a clock may step back.
public struct RequestBatch: Sendable {
    private struct Entry {
        /// Without its texts.
        var figures: RequestRecord
        var lengths: Lengths
    }

    /// Of a record's texts, in the order in which they are kept.
    private struct Lengths {
        var requestID, keyID, model, provider, accountID: Int32

        var sum: Int { Int(requestID) + Int(keyID) + Int(model) + Int(provider) + Int(accountID) }
    }

    private var entries: [Entry] = []
    private var texts: [UInt8] = []

    public init() {}

    public init(_ requests: some Sequence<RequestRecord>) {
        for request in requests { append(request) }
    }

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    public mutating func append(_ request: borrowing RequestRecord) {
        let lengths = Lengths(
            requestID: add(request.requestID), keyID: add(request.keyID),
            model: add(request.model, atMost: Self.maxModelBytes), provider: add(request.provider),
            accountID: add(request.accountID))
        entries.append(Entry(figures: request.boundedFigures, lengths: lengths))
    }

    private static let maxModelBytes = 200

    private mutating func add(_ text: borrowing String, atMost limit: Int = .max) -> Int32 {
        text.utf8.span.withUnsafeBufferPointer { bytes in
            let some = bytes.prefix(limit)
            texts.append(contentsOf: some)
            return Int32(truncatingIfNeeded: some.count)
        }
    }

    public mutating func append(_ more: RequestBatch) {
        if isEmpty {
            self = more
        } else {
            entries += more.entries
            texts += more.texts
        }
    }

    /// Gives up the oldest.
    public mutating func removeFirst(_ count: Int) {
        texts.removeFirst(entries.prefix(count).reduce(0) { $0 + $1.lengths.sum })
        entries.removeFirst(count)
    }

    /// Takes all there is.
    public mutating func take() -> RequestBatch {
        defer { self = RequestBatch() }
        return self
    }
}

extension RequestBatch: Sequence, ExpressibleByArrayLiteral {
    public init(arrayLiteral requests: RequestRecord...) { self.init(requests) }

    public var underestimatedCount: Int { count }

    public func makeIterator() -> Iterator { Iterator(batch: self) }

    public struct Iterator: IteratorProtocol {
        fileprivate let batch: RequestBatch
        private var index = 0
        private var textStart = 0

        fileprivate init(batch: RequestBatch) { self.batch = batch }

        public mutating func next() -> RequestRecord? {
            guard index < batch.entries.count else { return nil }
            var request = batch.entries[index].figures
            let lengths = batch.entries[index].lengths
            index += 1
            request.requestID = text(lengths.requestID)
            request.keyID = text(lengths.keyID)
            request.model = text(lengths.model)
            request.provider = text(lengths.provider)
            request.accountID = text(lengths.accountID)
            return request
        }

        private mutating func text(_ length: Int32) -> String {
            defer { textStart += Int(length) }
            return String(decoding: batch.texts[textStart..<textStart + Int(length)], as: UTF8.self)
        }
    }
}
