import PolluxCore
import PolluxCrypto

/// A place in a list: the sort values of the last item of a page. Opaque to callers, and refused when it was made for
/// another list or was changed on its way.
struct Cursor: Equatable {
    private static let separator = "\u{0}"
    var values: [String]

    init(_ values: [String]) { self.values = values }

    func text(of list: String) -> String {
        let body = Array(values.joined(separator: Self.separator).utf8)
        return Base64.encode(Self.mark(body, list) + body, .urlSafe, padding: false)
    }

    /// - Parameter list: What the cursor walks, sort order included.
    init(_ text: String, of list: String) throws(AdminError) {
        let bytes: [UInt8]
        do { bytes = try Base64.decode(text, .urlSafe) } catch { throw Self.invalid }
        let body = Array(bytes.dropFirst(4))
        guard bytes.count >= 4, Array(bytes.prefix(4)) == Self.mark(body, list),
            let decoded = String(validating: body, as: UTF8.self)
        else { throw Self.invalid }
        values = decoded.split(separator: Self.separator, omittingEmptySubsequences: false).map(String.init)
    }

    private static func mark(_ body: [UInt8], _ list: String) -> [UInt8] {
        Array(SHA256.hash(Array(list.utf8) + [0] + body).prefix(4))
    }

    private static let invalid = AdminError.invalid(
        "cursor", "'cursor' is not one of this list; take it from 'next' of the answer before, with the same filters")
}

/// Cuts a sorted list into pages.
enum Paging {
    static let defaultLimit = 100
    static let maxLimit = 1000

    static let parameters: [AdminOperation.Parameter] = [
        .query("limit", .integer(1...maxLimit), "At most so many items; \(defaultLimit) by default."),
        .query(
            "cursor", Shape(.text(Shape.TextRule(form: .base64URL, length: 1...2048))),
            "`next` of the answer before, for the items behind it."),
    ]

    /// - Parameters:
    ///   - list: Names the list and its order.
    ///   - place: What the items are sorted by, together unique.
    static func page<Item>(
        _ items: [Item], _ input: AdminInput, of list: String, by place: (Item) -> [String]
    ) throws(AdminError) -> (items: [Item], next: String?) {
        var sorted = items.map { (place($0), $0) }
        sorted.sort { $0.0.lexicographicallyPrecedes($1.0) }
        if let text = input.optionalText("cursor") {
            let cursor = try Cursor(text, of: list)
            sorted.removeAll { !cursor.values.lexicographicallyPrecedes($0.0) }
        }
        let limit = input.integer("limit") ?? defaultLimit
        let page = sorted.prefix(limit)
        let next = sorted.count > limit ? page.last.map { Cursor($0.0).text(of: list) } : nil
        return (page.map(\.1), next)
    }

    static func json(_ items: [JSON], next: String?) -> JSON {
        var object = JSONObject([("items", .array(items))])
        if let next { object["next"] = .string(next) }
        return .object(object)
    }

    static func shape(of item: Shape) -> Shape {
        .object([
            .required("items", .list(of: item)),
            .optional("next", .text, "The `cursor` of the next page; absent on the last."),
        ])
    }
}

extension JSONObject {
    /// Adds a member unless there is nothing to say.
    mutating func add(_ key: String, _ text: String?) { if let text { self[key] = .string(text) } }
    mutating func add(_ key: String, _ number: Int?) { if let number { self[key] = .number(JSONNumber(number)) } }
    mutating func add(_ key: String, _ time: WallTime?) { if let time { self[key] = .string(time.rfc3339Text) } }
}

extension JSON {
    static func count(_ number: Int) -> JSON { .number(JSONNumber(number)) }
    static func texts(_ texts: [String]) -> JSON { .array(texts.map { .string($0) }) }
    static func text(_ time: WallTime) -> JSON { .string(time.rfc3339Text) }
}

extension Duration {
    /// For the wire.
    var wholeMilliseconds: Int { Int(clamping: microseconds / 1000) }
}
