public import PolluxCore

/// One thing that the API can do. The table of these makes both the dispatch and the document.
public struct AdminOperation: Sendable {
    /// `createKey`: unique; by it the command line asks for it in process.
    public var id: String
    public var method: HTTPMethod
    /// Below the API's own path: `/keys/{id}`.
    public var path: String
    /// The group under which the document lists it.
    public var group: String
    public var summary: String
    public var details: String
    public var parameters: [Parameter]
    public var body: Body?
    public var answer: Answer
    /// Beside those that every operation has.
    public var failures: [Int]
    /// The name under which a change is audited: `keys.create`; `nil` for what changes nothing.
    public var action: String?
    let run: @Sendable (AdminInput) async throws(AdminError) -> AdminReply

    /// A parameter in the path, the query or the head.
    public struct Parameter: Sendable {
        public enum Place: String, Sendable { case path, query, header }
        public var name: String
        public var place: Place
        public var shape: Shape
        public var isRequired: Bool
        public var help: String

        static func path(_ name: String, _ help: String, _ shape: Shape = .line(1...256)) -> Parameter {
            Parameter(name: name, place: .path, shape: shape, isRequired: true, help: help)
        }
        static func query(_ name: String, _ shape: Shape, _ help: String, isRequired: Bool = false) -> Parameter {
            Parameter(name: name, place: .query, shape: shape, isRequired: isRequired, help: help)
        }
        static func header(_ name: String, _ help: String) -> Parameter {
            Parameter(name: name, place: .header, shape: .line(1...256), isRequired: true, help: help)
        }
    }

    public struct Body: Sendable {
        public enum Medium: String, Sendable {
            case json = "application/json"
            case mergePatch = "application/merge-patch+json"
            case text = "text/plain"
        }
        /// With the shape of each; a text is handed on as it is.
        public var media: [(medium: Medium, shape: Shape)]
        public var isRequired: Bool
        /// Bytes.
        public var limit: Int

        public init(_ shape: Shape, _ medium: Medium = .json, isRequired: Bool = true, limit: Int = 1 << 20) {
            (media, self.isRequired, self.limit) = ([(medium, shape)], isRequired, limit)
        }
    }

    public enum Answer: Sendable {
        case json(status: Int, Shape)
        /// JSON with status 200, or a text where the request asks for one.
        case jsonOrText(Shape)
        /// 204.
        case nothing
        /// `text/event-stream`, until the listener goes away.
        case events
    }

    init(
        _ id: String, _ method: HTTPMethod, _ path: String, _ group: String, _ summary: String, details: String = "",
        parameters: [Parameter] = [], body: Body? = nil, answer: Answer, failures: [Int] = [], action: String? = nil,
        run: @escaping @Sendable (AdminInput) async throws(AdminError) -> AdminReply
    ) {
        (self.id, self.method, self.path, self.group) = (id, method, path, group)
        (self.summary, self.details, self.parameters, self.body) = (summary, details, parameters, body)
        (self.answer, self.failures, self.action, self.run) = (answer, failures, action, run)
    }

    /// Of an answer that is no error.
    public var status: Int {
        switch answer {
        case .json(let status, _): status
        case .nothing: 204
        case .jsonOrText, .events: 200
        }
    }

    /// The path's segments; `nil` stands for a variable.
    var segments: [(literal: String?, name: String)] {
        path.split(separator: "/").map { part in
            part.hasPrefix("{") ? (nil, String(part.dropFirst().dropLast())) : (String(part), "")
        }
    }

    func match(_ path: [String]) -> [String: String]? {
        let segments = segments
        guard segments.count == path.count else { return nil }
        var variables: [String: String] = [:]
        for (segment, part) in zip(segments, path) {
            if let literal = segment.literal {
                guard literal == part else { return nil }
            } else {
                variables[segment.name] = part
            }
        }
        return variables
    }
}

/// What an operation is given: everything in it is of its declared shape.
public struct AdminInput: Sendable {
    public var caller: AdminCaller
    /// Parameters by name, typed as their shapes say.
    public var parameters: [String: JSON]
    public var body: JSON
    /// The body as it came, for operations that read lines.
    public var rawBody: [UInt8]

    public init(
        caller: AdminCaller, parameters: [String: JSON] = [:], body: JSON = .null, rawBody: [UInt8] = []
    ) {
        (self.caller, self.parameters, self.body, self.rawBody) = (caller, parameters, body, rawBody)
    }

    /// A required parameter; its presence was checked.
    func text(_ name: String) -> String { parameters[name]?.string ?? "" }
    func optionalText(_ name: String) -> String? { parameters[name]?.string }
    func integer(_ name: String) -> Int? { parameters[name]?.int }
    func flag(_ name: String) -> Bool { parameters[name]?.bool ?? false }
    func time(_ name: String) -> WallTime? { parameters[name]?.string.flatMap { WallTime(rfc3339: $0) } }
}

/// Who asks, for the audit log.
public struct AdminCaller: Sendable, Equatable {
    /// `admin key`, `session`, `command line`.
    public var actor: String
    public var address: String
    public var requestID: String

    public init(actor: String, address: String = "", requestID: String = "") {
        (self.actor, self.address, self.requestID) = (actor, address, requestID)
    }
}

/// What an operation answers.
public struct AdminReply: Sendable {
    public enum Content: Sendable {
        case json(JSON)
        case text(String)
        case nothing
        case events(EventListener)
    }
    public var content: Content
    public var fields: HTTPFields = [:]
    /// What was changed, for the audit log: names, never a secret. `nil` when nothing was.
    public var change: (target: String, detail: String)?

    public init(content: Content, change: (target: String, detail: String)? = nil) {
        (self.content, self.change) = (content, change)
    }

    public static func json(_ value: JSON) -> AdminReply { AdminReply(content: .json(value)) }

    static func json(_ value: JSON, changed target: String, _ detail: String = "") -> AdminReply {
        AdminReply(content: .json(value), change: (target, detail))
    }

    static func nothing(changed target: String, _ detail: String = "") -> AdminReply {
        AdminReply(content: .nothing, change: (target, detail))
    }
}
