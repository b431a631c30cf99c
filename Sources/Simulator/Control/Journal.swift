public import PolluxCore

/// What a simulated upstream was asked and what it made of it, oldest first.
public struct Journal: Sendable {
    /// How a request ended.
    public enum Ending: String, Sendable {
        case open, complete
        case cutByClient = "cut-by-client"
        case cutBySimulator = "cut-by-simulator"
    }

    public struct Entry: Sendable {
        public let number: Int
        public let method: String
        public let path: String
        public let query: String
        /// `getoxsrf`, `widgetStreamAssist`, `chat.completions`, …
        public var operation = ""
        /// The `csesidx` or API key, once it is known to be one of ours.
        public var account: String?
        public let headers: [(name: String, value: String)]
        public let body: JSON?
        public var directives: [String] = []
        /// `ok`, or why the request was refused or which fault it met.
        public var verdict = "open"
        public var status: Int?
        public var ending = Ending.open
        public let arrived: Instant
        public var ended: Instant?
    }

    /// Older entries are dropped above this many.
    static let capacity = 2000

    public private(set) var entries: [Entry] = []
    /// Of every request since the start or the last reset, those no longer in the journal too.
    private(set) var counts = JournalCounts()
    private var dropped = 0
    private var start: Instant

    init(start: Instant) { self.start = start }

    /// - Returns: The number under which the entry can be changed.
    mutating func open(_ request: SimulatedRequest, at now: Instant) -> Int {
        if entries.count >= Self.capacity {
            entries.removeFirst(Self.capacity / 4)
            dropped += Self.capacity / 4
        }
        let number = dropped + entries.count
        entries.append(Entry(number: number, request, arrived: now))
        return number
    }

    mutating func change(_ number: Int, _ body: (inout Entry) -> Void) {
        guard entries.indices.contains(number - dropped) else { return }
        let old = entries[number - dropped]
        body(&entries[number - dropped])
        counts.note(from: old, to: entries[number - dropped])
    }

    /// Entries that are still being answered when this is called change nothing any more.
    mutating func removeAll(at now: Instant) {
        dropped += entries.count
        entries.removeAll()
        counts = JournalCounts()
        start = now
    }

    /// A list of objects; times in milliseconds since the start or the last reset.
    var json: JSON { .array(entries.map { $0.json(since: start) }) }
}

extension Journal.Entry {
    /// Headers worth keeping: never the cookies or the token.
    private static let keptHeaders: Set<String> = [
        "accept", "accept-encoding", "accept-language", "content-type", "host", "origin", "referer", "user-agent",
        "x-server-timeout",
    ]

    init(number: Int, _ request: SimulatedRequest, arrived: Instant) {
        self.number = number
        method = request.head.method.rawValue
        path = request.path
        query = String(request.head.query)
        headers = request.head.fields.filter { Self.keptHeaders.contains($0.name) }.map { ($0.name, $0.value) }
        body = (try? JSON.parse(request.body, .upstream)).map { Self.shortened($0) }
        self.arrived = arrived
    }

    fileprivate func json(since start: Instant) -> JSON {
        var object = JSONObject([
            ("method", .string(method)), ("path", .string(path)), ("query", .string(query)),
            ("operation", .string(operation)), ("account", account.map { .string($0) } ?? .null),
            ("headers", .object(JSONObject(headers.map { ($0.name, .string($0.value)) }))),
            ("body", body ?? .null), ("verdict", .string(verdict)),
            ("status", status.map { .number(JSONNumber($0)) } ?? .null), ("ended", .string(ending.rawValue)),
            ("at_ms", Self.milliseconds(arrived - start)),
            ("ended_at_ms", ended.map { Self.milliseconds($0 - start) } ?? .null),
        ])
        if !directives.isEmpty { object["directives"] = .array(directives.map { .string($0) }) }
        return .object(object)
    }

    private static func milliseconds(_ duration: Duration) -> JSON {
        .number(JSONNumber(Int(duration.microseconds / 1000)))
    }

    /// The same value with every long run of Base64 cut to its beginning and its length. What stands under a name for
    /// texts is prose, even where it has no blank; data URLs are cut there too.
    private static func shortened(_ json: JSON, isProse: Bool = false) -> JSON {
        switch json {
        case .string(let text): .string(isProse && !text.hasPrefix("data:") ? text : shortened(text))
        case .array(let elements): .array(elements.map { shortened($0, isProse: isProse) })
        case .object(let object):
            .object(
                JSONObject(
                    object.members.map { ($0.key, shortened($0.value, isProse: proseNames.contains($0.key))) }))
        case .null, .bool, .number: json
        }
    }

    private static let proseNames: Set<String> = ["text", "content", "prompt", "query"]

    private static func shortened(_ text: String) -> String {
        let longest = 200
        guard text.utf8.count > longest else { return text }
        let payload = text.hasPrefix("data:") ? text.utf8.drop { $0 != UInt8(ascii: ",") }.dropFirst() : text.utf8[...]
        guard payload.count > longest, payload.allSatisfy(isBase64) else { return text }
        let head = text.utf8[..<payload.startIndex]
        return String(decoding: head, as: UTF8.self) + String(decoding: payload.prefix(32), as: UTF8.self)
            + "…(\(payload.count) characters)"
    }

    private static func isBase64(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "+/-_=\r\n".utf8.contains(byte)
        }
    }
}
