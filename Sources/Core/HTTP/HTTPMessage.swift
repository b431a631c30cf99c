/// A request method, as sent (methods are case-sensitive, RFC 9110 section 9.1).
public struct HTTPMethod: Sendable, Hashable, RawRepresentable, ExpressibleByStringLiteral {
    public let rawValue: String
    @inlinable
    public init(rawValue: String) { self.rawValue = rawValue }
    @inlinable
    public init(stringLiteral value: String) { rawValue = value }

    public static let get: HTTPMethod = "GET"
    public static let head: HTTPMethod = "HEAD"
    public static let post: HTTPMethod = "POST"
    public static let put: HTTPMethod = "PUT"
    public static let patch: HTTPMethod = "PATCH"
    public static let delete: HTTPMethod = "DELETE"
    public static let options: HTTPMethod = "OPTIONS"
}

/// The head of a request that a client sent to us.
public struct HTTPRequestHead: Sendable, Equatable {
    public var method: HTTPMethod
    /// The request target in origin form, still percent-encoded: `/v1/models?x=y`. An absolute-form target has been
    /// cut.
    public var target: String
    public var fields: HTTPFields
    /// 0 or 1: the minor version of HTTP/1.
    public var minorVersion: Int

    public init(method: HTTPMethod, target: String, fields: HTTPFields = [:], minorVersion: Int = 1) {
        (self.method, self.target, self.fields, self.minorVersion) = (method, target, fields, minorVersion)
    }

    /// The target up to `?`.
    public var path: Substring {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return target[...] }
        return target[..<mark]
    }
    /// The target behind the first `?`; empty without one.
    public var query: Substring {
        guard let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) else { return "" }
        return target[target.utf8.index(after: mark)...]
    }
}

/// The head of an answer that we send to a client.
public struct HTTPResponseHead: Sendable, Equatable {
    public var status: Int
    public var fields: HTTPFields
    /// Of a streamed body whose length is known before its first byte: sent as `Content-Length`, in place of chunks.
    public var bodyLength: Int?

    public init(status: Int, fields: HTTPFields = [:]) {
        (self.status, self.fields) = (status, fields)
    }
}

/// A whole answer.
public struct HTTPAnswer: Sendable, Equatable {
    public var head: HTTPResponseHead
    public var body: [UInt8]

    public init(status: Int, fields: HTTPFields = [:], body: [UInt8] = []) {
        head = HTTPResponseHead(status: status, fields: fields)
        self.body = body
    }
}
