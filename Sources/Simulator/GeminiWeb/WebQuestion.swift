import PolluxCore

/// One turn as the client asks for it: the message inside `f.req` (protocol notes, sections 5.4 and 5.5).
struct WebQuestion: Sendable {
    struct File: Sendable {
        let uploadID: String
        let name: String
    }

    let prompt: String
    let files: [File]
    /// The chat that goes on; nil begins one.
    let cid: String?
    let isTemporary: Bool
    var directives: PromptDirectives
    private let inner: [JSON]

    private static let temporaryIndex = 45
    private static let gemIndex = 19
    private static let requestIDIndex = 59
    private static let thinkingIndex = 80

    /// nil when this is no question. Any inner list of three elements and more will do: older clients sent three.
    init?(_ request: JSON) {
        guard let text = request[1]?.string, let inner = (try? JSON.parse(Array(text.utf8)))?.array, inner.count >= 3,
            let prompt = inner[0][0]?.string, let files = Self.files(inner[0][3])
        else { return nil }
        (self.inner, self.prompt, self.files) = (inner, prompt, files)
        cid = inner[2][0]?.string.flatMap { $0.isEmpty ? nil : $0 }
        isTemporary = inner.count > Self.temporaryIndex && inner[Self.temporaryIndex].int == 1
        directives = PromptDirectives(in: prompt)
    }

    /// Whether the header's id of the request is the one inside, where the list is long enough to have one.
    func hasMatchingID(_ request: SimulatedRequest) -> Bool {
        guard inner.count > Self.requestIDIndex else { return true }
        guard let id = inner[Self.requestIDIndex].string, let field = request.head.fields["x-goog-ext-525005358-jspb"],
            let header = try? JSON.parse(Array(field.utf8))
        else { return false }
        return header[0]?.string == id
    }

    /// The title of a chat that begins with this question: its first line that is not a directive.
    var title: String {
        let lines = prompt.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("!sim ") }
        return lines.first.map { String($0.prefix(60)) } ?? "New chat"
    }

    /// For the list of requests.
    var logged: [(String, JSON)] {
        [
            ("prompt", .string(prompt)), ("inner_len", .number(JSONNumber(inner.count))),
            ("thinking", at(Self.thinkingIndex)), ("temporary", at(Self.temporaryIndex)), ("gem", at(Self.gemIndex)),
            ("directives", directives.json), ("cid", inner[2][0] ?? .null),
        ]
    }

    private func at(_ index: Int) -> JSON { inner.indices.contains(index) ? inner[index] : .null }

    /// `[[[upload id, …], name], …]`; an empty list for null, nil for anything else.
    private static func files(_ list: JSON?) -> [File]? {
        guard let list, !list.isNull else { return [] }
        guard let items = list.array else { return nil }
        return items.map { File(uploadID: $0[0]?[0]?.string ?? "", name: $0[1]?.string ?? "") }
    }
}

/// The model that a request's header selects. All shapes that clients have sent name it at index 4 (section 5.3).
struct WebModelSelector: Sendable {
    enum Choice: Equatable, Sendable {
        /// The account's first model.
        case none
        case model(String)
        case unreadable
    }

    let json: JSON
    let choice: Choice

    init(of request: SimulatedRequest) {
        guard let field = request.head.fields["x-goog-ext-525001261-jspb"] else {
            (json, choice) = (.null, .none)
            return
        }
        guard let parsed = try? JSON.parse(Array(field.utf8)), let id = parsed[4] else {
            (json, choice) = (.null, .unreadable)
            return
        }
        json = parsed
        choice = id.string.map { .model($0) } ?? (id.isNull ? .none : .unreadable)
    }

    /// For the list of requests.
    var logged: [(String, JSON)] { [("model", json[4] ?? .null), ("selector", json)] }
}
