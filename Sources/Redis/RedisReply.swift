internal import CHiredis

/// One reply of Redis, as a value: nothing of the C library outlives the thread that talks.
public enum RedisReply: Sendable, Equatable {
    case status(String)
    case error(String)
    case integer(Int64)
    case text([UInt8])
    case null
    case array([RedisReply])

    public var array: [RedisReply]? { if case .array(let elements) = self { elements } else { nil } }
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }
    public var isOK: Bool { self == .status("OK") }
}

extension RedisReply {
    /// Ours are small; a reply of any other size is not for us.
    private static let maxDepth = 4
    private static let maxElements = 4096
    private static let maxText = 64 << 10

    /// - Returns: `nil` for a reply that is deeper, longer or of another sort than any that we ask for.
    init?(_ reply: UnsafePointer<redisReply>) {
        var elements = 0
        self.init(reply, depth: 0, &elements)
    }

    private init?(_ reply: UnsafePointer<redisReply>, depth: Int, _ elements: inout Int) {
        elements += 1
        guard depth <= Self.maxDepth, elements <= Self.maxElements else { return nil }
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER: self = .integer(reply.pointee.integer)
        case REDIS_REPLY_NIL: self = .null
        case REDIS_REPLY_STATUS:
            guard let bytes = Self.bytes(reply) else { return nil }
            self = .status(String(decoding: bytes, as: UTF8.self))
        case REDIS_REPLY_ERROR:
            guard let bytes = Self.bytes(reply) else { return nil }
            self = .error(String(decoding: bytes, as: UTF8.self))
        case REDIS_REPLY_STRING:
            guard let bytes = Self.bytes(reply) else { return nil }
            self = .text(bytes)
        case REDIS_REPLY_ARRAY:
            guard reply.pointee.elements <= Self.maxElements else { return nil }
            var list: [RedisReply] = []
            for index in 0..<Int(reply.pointee.elements) {
                guard let element = reply.pointee.element?[index],
                    let value = RedisReply(UnsafePointer(element), depth: depth + 1, &elements)
                else { return nil }
                list.append(value)
            }
            self = .array(list)
        default: return nil
        }
    }

    private static func bytes(_ reply: UnsafePointer<redisReply>) -> [UInt8]? {
        guard let text = reply.pointee.str, reply.pointee.len <= maxText else { return nil }
        return Array(UnsafeRawBufferPointer(start: text, count: Int(reply.pointee.len)))
    }
}
