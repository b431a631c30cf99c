public import PolluxCore

/// A failure ordered over `POST /__sim/fault`: which requests meet it, how often, and what they get.
///
/// Shape: Gemini Business protocol notes, section 11, point 5, with five additions: `path` beside `method`,
/// `retry_after` (seconds), `directives` (`"[[sim:cut]]"`), which act as if they stood in the prompt, `share` and
/// `contains`.
public struct FaultRule: Sendable, Equatable {
    /// The account's `csesidx`, or the API key; `*` is everybody.
    public var account: String
    /// The operation (`getoxsrf`, `widgetStreamAssist`, `chat.completions`) or the path; `*` is everything.
    public var method: String
    /// The HTTP status of the answer; nil when the rule only brings directives.
    public var status: Int?
    /// How many requests still meet it.
    public var times: Int
    /// Status 200 with the error inside the body.
    public var isInBand: Bool
    /// The whole body; nil takes the usual body of the status.
    public var body: JSON?
    /// Seconds in a `Retry-After` header.
    public var retryAfter: Int?
    /// Marks such as `[[sim:reset]]`, for what no status can say.
    public var directives: String
    /// The part of matching requests that meets it, drawn for each of them; the others do not count against `times`.
    public var share: Double
    /// Only requests whose body holds this text meet it, such as `imageGenerationSpec`; empty meets all.
    public var contains: String

    public init(
        account: String = "*", method: String = "*", status: Int? = nil, times: Int = 1, isInBand: Bool = false,
        body: JSON? = nil, retryAfter: Int? = nil, directives: String = "", share: Double = 1,
        contains: String = ""
    ) {
        (self.account, self.method, self.status, self.times) = (account, method, status, times)
        (self.isInBand, self.body, self.retryAfter) = (isInBand, body, retryAfter)
        (self.directives, self.share, self.contains) = (directives, share, contains)
    }

    /// Reads the body of `POST /__sim/fault`.
    ///
    /// - Throws: `invalidRequest` naming the member that cannot be used.
    init(_ json: JSON) throws(GatewayError) {
        guard case .object = json else { throw .invalid(nil, "send one JSON object, or a list of them") }
        let (account, method) = (try Self.text(json, "account"), try Self.text(json, "method"))
        let (path, directives) = (try Self.text(json, "path"), try Self.text(json, "directives"))
        let times = try Self.number(json, "times", 1...1_000_000)
        self.init(
            account: account ?? "*", method: method ?? path ?? "*", status: try Self.number(json, "status", 200...599),
            times: times ?? 1, isInBand: json["inband"]?.bool ?? false, body: json["body"],
            retryAfter: try Self.number(json, "retry_after", 0...86_400), directives: directives ?? "",
            share: try Self.share(json), contains: try Self.text(json, "contains") ?? "")
        if body?.isNull ?? false { body = nil }
        guard status != nil || !self.directives.isEmpty else {
            throw .invalid("status", "say which status to answer, for example 429, or give \"directives\"")
        }
    }

    func matches(account: String?, operation: String, path: String, body: [UInt8]) -> Bool {
        (self.account == "*" || self.account == account) && (method == "*" || method == operation || method == path)
            && (contains.isEmpty || Self.holds(body, Array(contains.utf8)))
    }

    private static func holds(_ body: [UInt8], _ text: [UInt8]) -> Bool {
        guard let first = text.first, body.count >= text.count else { return false }
        return (0...body.count - text.count).contains { start in
            body[start] == first && body[start..<start + text.count].elementsEqual(text)
        }
    }

    private static func text(_ json: JSON, _ name: String) throws(GatewayError) -> String? {
        guard let value = json[name], !value.isNull else { return nil }
        // A csesidx is a string that people write as a number.
        if let number = value.int { return String(number) }
        guard let text = value.string else { throw .invalid(name, "\(name) must be a string") }
        return text
    }

    private static func share(_ json: JSON) throws(GatewayError) -> Double {
        guard let value = json["share"], !value.isNull else { return 1 }
        guard let share = value.double, share > 0, share <= 1 else {
            throw .invalid("share", "share must be a number above 0 and at most 1, such as 0.2")
        }
        return share
    }

    private static func number(
        _ json: JSON, _ name: String, _ range: ClosedRange<Int>
    ) throws(GatewayError) -> Int? {
        guard let value = json[name], !value.isNull else { return nil }
        guard let number = value.int, range.contains(number) else {
            throw .invalid(name, "\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}

/// The rules in force, oldest first.
struct FaultRules: Sendable {
    private(set) var rules: [FaultRule] = []

    mutating func add(_ rule: FaultRule) { rules.append(rule) }

    mutating func removeAll() { rules.removeAll() }

    /// The first rule that meets this request; it counts down, and goes when it is used up.
    mutating func take(
        account: String?, operation: String, path: String, body: [UInt8], random: inout SeededRandom
    ) -> FaultRule? {
        let match = rules.firstIndex {
            $0.matches(account: account, operation: operation, path: path, body: body)
                && ($0.share >= 1 || Double.random(in: 0..<1, using: &random) < $0.share)
        }
        guard let index = match else { return nil }
        let rule = rules[index]
        rules[index].times -= 1
        if rules[index].times <= 0 { rules.remove(at: index) }
        return rule
    }
}
