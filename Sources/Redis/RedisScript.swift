internal import Synchronization

/// A Lua script. A connection loads its scripts when it opens, and runs them by the name that Redis gave them.
public final class RedisScript: Sendable {
    let text: [UInt8]
    private let known = Mutex<[UInt8]>([])

    public init(_ text: String) { self.text = Array(text.utf8) }

    /// The SHA-1 that Redis calls it by, in 40 hexadecimal digits; empty until it was loaded once.
    var digest: [UInt8] {
        get { known.withLock { $0 } }
        set { known.withLock { $0 = newValue } }
    }

    /// - Returns: False when the reply to `SCRIPT LOAD` is no digest.
    func take(loaded reply: RedisReply) -> Bool {
        guard case .text(let digest) = reply, digest.count == 40 else { return false }
        self.digest = digest
        return true
    }
}

extension RedisConnection {
    /// Runs a script. If Redis has forgotten it (`NOSCRIPT`: a restart, a flush), it is sent once more in full.
    public func run(_ script: RedisScript, keys: [String], arguments: [String]) async -> Result<
        RedisReply, RedisFailure
    > {
        await withCheckedContinuation { continuation in
            run(script, keys: keys, arguments: arguments) { continuation.resume(returning: $0) }
        }
    }

    /// The same for who does not wait; `completion` is called once, on the connection's thread or at once.
    public func run(
        _ script: RedisScript, keys: [String], arguments: [String],
        completion: @escaping @Sendable (Result<RedisReply, RedisFailure>) -> Void
    ) {
        let rest = [Array(String(keys.count).utf8)] + (keys + arguments).map { Array($0.utf8) }
        send([Array("EVALSHA".utf8), script.digest] + rest) { result in
            guard case .success(.error(let words)) = result, words.hasPrefix("NOSCRIPT") else {
                return completion(result)
            }
            self.send([Array("EVAL".utf8), script.text] + rest, completion: completion)
        }
    }
}
