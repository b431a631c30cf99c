public import PolluxCore

/// Where a Redis server is: `redis://[[user]:password@]host[:port][/db]`, or `unix://[[user]:password@]/path[?db=N]`.
///
/// No TLS: hiredis 0.14, which Debian 12 has, knows none. `rediss://` is refused with a sentence.
public struct RedisAddress: Sendable, Equatable {
    public enum Place: Sendable, Equatable {
        case tcp(host: String, port: Int)
        case unix(path: String)
    }

    public var place: Place
    /// Empty for the default user.
    public var user: String
    public var password: Secret?
    public var database: Int

    public init(_ place: Place, user: String = "", password: Secret? = nil, database: Int = 0) {
        (self.place, self.user, self.password, self.database) = (place, user, password, database)
    }

    /// Without user and password, for the log.
    public var shown: String {
        switch place {
        case .tcp(let host, let port): "redis://\(host):\(port)/\(database)"
        case .unix(let path): "unix://\(path)?db=\(database)"
        }
    }

    /// What is wrong with a text, in words that hold nothing of it: it may have a password.
    public struct Problem: Error, Sendable, Equatable {
        public let message: String
        init(_ message: String) { self.message = message }
    }

    public init(_ url: Secret) throws(Problem) {
        let text = url.reveal()
        if text.hasPrefix("rediss://") {
            throw Problem(
                "TLS to Redis is not supported (rediss://); reach it over a private network, a unix socket, or a tunnel"
                    + " such as stunnel, and write redis://")
        }
        if text.hasPrefix("redis://") {
            self = try Self.tcp(text.dropFirst("redis://".count))
        } else if text.hasPrefix("unix://") {
            self = try Self.unix(text.dropFirst("unix://".count))
        } else {
            throw Problem("this is no address of Redis; write redis://:PASSWORD@HOST:6379/0 or unix:///PATH?db=0")
        }
    }

    private static func tcp(_ text: Substring) throws(Problem) -> RedisAddress {
        let (login, rest) = try login(text)
        let parts = rest.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let (host, port) = try hostAndPort(parts.first ?? "")
        let database = try database(parts.count == 2 ? parts[1] : "")
        return RedisAddress(
            .tcp(host: host, port: port), user: login.user, password: login.password, database: database)
    }

    private static func unix(_ text: Substring) throws(Problem) -> RedisAddress {
        let (login, rest) = try login(text)
        let parts = rest.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = parts.first, path.hasPrefix("/"), path.utf8.count > 1 else {
            throw Problem("unix:// needs the whole path of the socket, as in unix:///run/redis/redis.sock")
        }
        // What the system has room for, with the zero at the end.
        guard path.utf8.count < 108 else { throw Problem("the path of the socket is longer than 107 bytes") }
        var database = 0
        if parts.count == 2 {
            guard parts[1].hasPrefix("db=") else { throw Problem("behind the socket's path only ?db=N may stand") }
            database = try Self.database(parts[1].dropFirst(3))
        }
        return RedisAddress(
            .unix(path: String(path)), user: login.user, password: login.password, database: database)
    }

    /// User and password are written with `%40` for `@` and the like.
    private static func login(
        _ text: Substring
    ) throws(Problem) -> (login: (user: String, password: Secret?), rest: Substring) {
        guard let at = text.lastIndex(of: "@") else { return (("", nil), text) }
        let parts = text[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw Problem("in front of @ stand a user, which may be left out, a colon and the password")
        }
        let login = (try unescaped(parts[0]), Secret(try unescaped(parts[1])))
        return (login, text[text.index(after: at)...])
    }

    private static func hostAndPort(_ text: Substring) throws(Problem) -> (host: String, port: Int) {
        var (host, port) = (text, Substring("6379"))
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw Problem("the IPv6 address has no ] at its end") }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { throw Problem("behind ] only a port may stand") }
            if !rest.isEmpty { port = rest.dropFirst() }
        } else if let colon = text.lastIndex(of: ":") {
            (host, port) = (text[..<colon], text[text.index(after: colon)...])
        }
        let isPlain = host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") }
        guard !host.isEmpty, isPlain else { throw Problem("the host's name is missing or has signs that no name has") }
        guard let number = number(port, upTo: 65_535), number > 0 else { throw Problem("the port is not 1...65535") }
        return (String(host), number)
    }

    private static func database(_ text: Substring) throws(Problem) -> Int {
        if text.isEmpty { return 0 }
        guard let number = number(text, upTo: 65_535) else {
            throw Problem("the number of the database is not 0...65535")
        }
        return number
    }

    private static func number(_ text: Substring, upTo limit: Int) -> Int? {
        guard (1...5).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
            return nil
        }
        return Int(text).flatMap { $0 <= limit ? $0 : nil }
    }

    private static func unescaped(_ text: Substring) throws(Problem) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                throw Problem("a % in user or password needs two hexadecimal digits behind it; % itself is %25")
            }
            bytes.append(high << 4 | low)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
