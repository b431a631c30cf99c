internal import CHiredis
internal import Glibc
internal import PolluxCore

/// One connection of hiredis, not blocking. Belongs to the connection's thread.
final class RedisSocket {
    private let context: UnsafeMutablePointer<redisContext>
    let descriptor: Int32
    private(set) var hasOutput = false

    /// A reply that has not arrived as a whole takes no more than this.
    private static let maxBuffered = 1 << 20

    /// Begins to connect. Looking up a name may take as long as it takes: nobody waits for this thread.
    ///
    /// - Throws: `connectionLost` when it is refused at once.
    init(_ place: RedisAddress.Place) throws(RedisFailure) {
        let made =
            switch place {
            case .tcp(let host, let port): redisConnectNonBlock(host, Int32(truncatingIfNeeded: port))
            case .unix(let path): redisConnectUnixNonBlock(path)
            }
        guard let made else { throw .connectionLost("no memory") }
        guard made.pointee.err == 0 else {
            let words = Self.words(of: made)
            redisFree(made)
            throw .connectionLost(words)
        }
        (context, descriptor) = (made, made.pointee.fd)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    deinit { redisFree(context) }

    /// Whether the connection that was begun has come about. Asked once the socket can be written.
    func checkConnected() throws(RedisFailure) {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0, code == 0 else {
            throw .connectionLost(String(cString: strerror(code == 0 ? errno : code)))
        }
    }

    func append(_ arguments: [[UInt8]]) throws(RedisFailure) {
        let bytes = arguments.flatMap(\.self)
        let lengths = arguments.map(\.count)
        let status = bytes.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                // An empty argument still needs an address.
                let empty: StaticString = ""
                let start = text.baseAddress ?? UnsafeRawPointer(empty.utf8Start).assumingMemoryBound(to: CChar.self)
                var offset = 0
                var pointers: [UnsafePointer<CChar>?] = lengths.map { length in
                    defer { offset += length }
                    return start + offset
                }
                return redisAppendCommandArgv(context, Int32(truncatingIfNeeded: lengths.count), &pointers, lengths)
            }
        }
        guard status == REDIS_OK else { throw .connectionLost(Self.words(of: context)) }
        hasOutput = true
    }

    func write() throws(RedisFailure) {
        var isDone: Int32 = 0
        guard redisBufferWrite(context, &isDone) == REDIS_OK else { throw .connectionLost(Self.words(of: context)) }
        hasOutput = isDone == 0
    }

    func read() throws(RedisFailure) {
        guard redisBufferRead(context) == REDIS_OK else { throw .connectionLost(Self.words(of: context)) }
    }

    /// The next reply that has arrived as a whole; `nil` when there is none yet.
    func nextReply() throws(RedisFailure) -> RedisReply? {
        var raw: UnsafeMutableRawPointer?
        guard redisGetReplyFromReader(context, &raw) == REDIS_OK else {
            throw .connectionLost(Self.words(of: context))
        }
        guard let raw else {
            if let reader = context.pointee.reader, reader.pointee.len > Self.maxBuffered { throw .malformed }
            return nil
        }
        defer { freeReplyObject(raw) }
        guard let reply = RedisReply(UnsafePointer(raw.assumingMemoryBound(to: redisReply.self))) else {
            throw .malformed
        }
        return reply
    }

    private static func words(of context: UnsafeMutablePointer<redisContext>) -> String {
        withUnsafeBytes(of: &context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }
}
