import PolluxCore
import Synchronization

/// Thought signatures by the call they belong to: most clients drop the field that carries them, and the upstream
/// refuses a call that comes back without its own.
///
/// Holds the newest, each for its lifetime; the oldest make room.
final class SignatureCache: Sendable {
    /// Client and call: ids of different clients' conversations may be the same.
    struct Key: Hashable, Sendable {
        var clientID: String
        var callID: String
    }

    private let state: Mutex<State>
    private let lifetime: Duration
    private let maxBytes: Int

    init(lifetime: Duration = .seconds(3600), maxBytes: Int = 8 << 20) {
        (self.lifetime, self.maxBytes) = (lifetime, maxBytes)
        state = Mutex(State())
    }

    func store(_ signature: [UInt8], for key: Key, now: Instant) {
        state.withLock { $0.store(signature, for: key, until: now + lifetime, now: now, maxBytes: maxBytes) }
    }

    func signature(for key: Key, now: Instant) -> [UInt8]? {
        state.withLock { state in
            guard let entry = state.entries[key], entry.end > now else { return nil }
            return entry.signature
        }
    }

    private struct State {
        var entries: [Key: (signature: [UInt8], end: Instant, serial: Int)] = [:]
        /// By age. A key that was stored again stands here twice; only its newest serial counts.
        private var order: [(key: Key, serial: Int)] = []
        private var oldest = 0
        private var serial = 0
        private var size = 0

        mutating func store(_ signature: [UInt8], for key: Key, until end: Instant, now: Instant, maxBytes: Int) {
            remove(key)
            serial += 1
            entries[key] = (signature, end, serial)
            size += Self.cost(signature, key)
            order.append((key, serial))
            while oldest < order.count {
                let entry = entries[order[oldest].key]
                let isStale = entry?.serial != order[oldest].serial
                guard isStale || size > maxBytes || (entry.map { $0.end <= now } ?? true) else { break }
                if !isStale { remove(order[oldest].key) }
                oldest += 1
            }
            // The queue is moved once half of it is gone, which costs each entry one move.
            if oldest > 64, oldest * 2 > order.count {
                order.removeFirst(oldest)
                oldest = 0
            }
        }

        private mutating func remove(_ key: Key) {
            guard let entry = entries.removeValue(forKey: key) else { return }
            size -= Self.cost(entry.signature, key)
        }

        /// Bytes, with what the tables take for an entry.
        private static func cost(_ signature: [UInt8], _ key: Key) -> Int {
            signature.count + key.clientID.utf8.count + key.callID.utf8.count + 200
        }
    }
}

/// The signatures of one client's calls.
struct ClientSignatures: Sendable {
    let cache: SignatureCache
    let clientID: String
    let time: any TimeSource

    func remember(_ signature: [UInt8], ofCall id: String) {
        cache.store(signature, for: SignatureCache.Key(clientID: clientID, callID: id), now: time.now)
    }

    func signature(ofCall id: String) -> [UInt8]? {
        cache.signature(for: SignatureCache.Key(clientID: clientID, callID: id), now: time.now)
    }
}
