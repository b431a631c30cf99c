import PolluxCore
import Synchronization

/// A body that comes in these pieces, and counts what is done with it.
final class SSEPieces: UpstreamBody {
    let isReady: Bool
    private let pieces: [String]
    private let beforeEach: @Sendable () -> Void
    private let position = Mutex(0)
    private let isEndingSoon = Atomic(false)

    init(_ pieces: [String], isReady: Bool = true, beforeEach: @escaping @Sendable () -> Void = {}) {
        (self.pieces, self.isReady, self.beforeEach) = (pieces, isReady, beforeEach)
    }

    convenience init(repeating piece: String, count: Int, beforeEach: @escaping @Sendable () -> Void) {
        self.init(Array(repeating: piece, count: count), beforeEach: beforeEach)
    }

    var reads: Int { position.withLock { $0 } }
    /// The reader wants no more of it.
    var isGivenBack: Bool { isEndingSoon.load(ordering: .relaxed) }

    func next() async throws(GatewayError) -> [UInt8]? {
        let index = reads
        guard index < pieces.count else { return nil }
        position.withLock { $0 += 1 }
        beforeEach()
        return Array(pieces[index].utf8)
    }

    func endSoon() { isEndingSoon.store(true, ordering: .relaxed) }
}
