import PolluxCore

/// Every request so far, as `GET /__sim/requests` tells it (protocol notes, section 15.5).
///
/// The headers are whole, cookies included: a test must see which host was sent which cookie, and every account here is
/// invented.
struct WebRequestLog: Sendable {
    struct Entry: Sendable {
        let number: Int
        let time: WallTime
        var members: JSONObject

        var json: JSON { .object(members) }
    }

    /// Says which entry, and of which life of the list.
    struct Ticket: Sendable {
        fileprivate let life: Int
        fileprivate let number: Int
    }

    private(set) var entries: [Entry] = []
    private var count = 0
    private var life = 0

    /// Older entries are dropped above this many.
    private static let capacity = 5000

    /// Without entries; what is still being answered can no longer change anything.
    func emptied() -> WebRequestLog {
        var log = WebRequestLog()
        log.life = life + 1
        return log
    }

    mutating func open(_ request: SimulatedRequest, account: String?, at time: WallTime) -> Ticket {
        if entries.count >= Self.capacity { entries.removeFirst(Self.capacity / 4) }
        let ticket = Ticket(life: life, number: count)
        let headers = request.head.fields.reduce(into: JSONObject()) { object, field in
            let others = object[field.name]?.string.map { "\($0), " } ?? ""
            object[field.name] = .string(others + field.value)
        }
        let query = JSONObject(request.query.map { ($0.name, .string($0.value)) })
        let name: JSON = if let account { .string(account) } else { .null }
        let members = JSONObject([
            ("n", .number(JSONNumber(count))), ("t", Self.seconds(time)),
            ("method", .string(request.head.method.rawValue)), ("path", .string(request.path)),
            ("query", .object(query)), ("headers", .object(headers)), ("account", name),
        ])
        entries.append(Entry(number: count, time: time, members: members))
        count += 1
        return ticket
    }

    mutating func add(_ ticket: Ticket, _ members: [(String, JSON)]) {
        guard ticket.life == life, let first = entries.first?.number else { return }
        let index = ticket.number - first
        guard entries.indices.contains(index) else { return }
        for (name, value) in members { entries[index].members[name] = value }
    }

    /// The entries from a number on, and the number that the next one will have.
    func json(since start: Int) -> JSON {
        [
            "next": .number(JSONNumber(count)),
            "requests": .array(entries.filter { $0.number >= start }.map(\.json)),
        ]
    }

    static func seconds(_ time: WallTime) -> JSON { .number(JSONNumber(Double(time.microseconds) / 1_000_000)) }
}
