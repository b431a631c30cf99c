import PolluxCore
import Testing

@testable import PolluxProviders

@Suite("Remembered thought signatures")
struct SignatureCacheTests {
    private func key(_ call: Int) -> SignatureCache.Key { .init(clientID: "c", callID: "call_\(call)") }
    private func at(_ seconds: Int) -> Instant { Instant(microseconds: 0) + .seconds(seconds) }

    @Test("a signature lives for its time, counted from when it was stored last")
    func lifetime() {
        let cache = SignatureCache(lifetime: .seconds(10))
        cache.store([1], for: key(1), now: at(0))
        #expect(cache.signature(for: key(1), now: at(9)) == [1])
        #expect(cache.signature(for: key(1), now: at(10)) == nil)
        cache.store([1], for: key(2), now: at(0))
        cache.store([2], for: key(2), now: at(8))
        cache.store([3], for: key(3), now: at(12))
        #expect(cache.signature(for: key(2), now: at(12)) == [2])
    }

    @Test("the oldest make room")
    func bound() {
        let cache = SignatureCache(maxBytes: 100_000)
        for call in 0..<10_000 { cache.store([UInt8](repeating: 7, count: 100), for: key(call), now: at(0)) }
        #expect(cache.signature(for: key(0), now: at(1)) == nil)
        #expect(cache.signature(for: key(9_999), now: at(1)) != nil)
        #expect((0..<10_000).count { cache.signature(for: key($0), now: at(1)) != nil } < 400)
    }

    @Test("a signature larger than the whole cache is not kept, and does no harm")
    func tooLarge() {
        let cache = SignatureCache(maxBytes: 1000)
        cache.store([UInt8](repeating: 7, count: 5000), for: key(1), now: at(0))
        #expect(cache.signature(for: key(1), now: at(0)) == nil)
        cache.store([1], for: key(2), now: at(0))
        #expect(cache.signature(for: key(2), now: at(0)) == [1])
    }
}
