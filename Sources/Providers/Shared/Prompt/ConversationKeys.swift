internal import PolluxCore
internal import PolluxCrypto

/// The name of a conversation's beginning: two conversations with one key are the same as far as it goes.
struct SessionKey: Sendable, Hashable {
    /// SHA-256.
    let bytes: [UInt8]
}

/// The keys of every beginning of a conversation, made in one pass: the first from what holds for the whole chat (who
/// asks, model, system text, functions, format), each further one from the key before it and one turn.
///
/// What a client changes on the way back does not count: ids of calls, thoughts, line ends, white space at the ends,
/// and in the model's own turns what `ComparableText` undoes, and media. Files of the user count by their content.
///
/// A conversation that the client names is known by that name: what it says in the model's place does not count at all.
struct ConversationKeys: Sendable, Equatable {
    /// `prefixes[n]` names the beginning that ends with turn n, counted from 0.
    let prefixes: [SessionKey]
    /// A named conversation as such, wherever it stands; `nil` for one without a name.
    let name: SessionKey?
    /// The same for a client that sends only what is new: a request without any turn of the model. `nil` for others.
    let latest: SessionKey?
    private let last: SessionKey
    private var isNamed: Bool { name != nil }

    /// - Parameters:
    ///   - request: `client.keyID` keeps clients apart: nobody continues another one's chat.
    ///   - family: What stands for the model: the models between which a chat can change.
    ///   - heedsName: Whether the client's own name for the conversation counts.
    init(_ request: ModelRequest, family: String? = nil, heedsName: Bool = false) {
        let name = heedsName ? request.conversation.id : nil
        let root = Self.root(of: request, family: family ?? request.resolvedModel, name: name)
        var key = root
        var prefixes: [SessionKey] = []
        prefixes.reserveCapacity(request.turns.count)
        for turn in request.turns {
            key = Self.key(after: key, turn, isNamed: name != nil)
            prefixes.append(key)
        }
        (self.prefixes, last) = (prefixes, key)
        self.name = name.map { _ in Self.name(root) }
        latest = request.turns.contains { $0.role == .model } ? nil : self.name
    }

    /// The key under which the chat is found when the client goes on after this answer.
    func key(afterAnswer parts: [Part]) -> SessionKey { Self.key(after: last, Turn(.model, parts), isNamed: isNamed) }

    private static func name(_ root: SessionKey) -> SessionKey {
        var digest = KeyDigest()
        digest.add("name")
        digest.add(root.bytes)
        return digest.key
    }

    private static func root(of request: ModelRequest, family: String, name: String?) -> SessionKey {
        var digest = KeyDigest()
        digest.add("pollux chat 1")
        digest.add(request.client.keyID)
        digest.add(family)
        if let name {
            digest.add("name")
            digest.add(name)
        }
        digest.add(parts: request.system, .user)
        for tool in FunctionOffer(request).tools {
            digest.add("tool")
            digest.add(tool.name)
            digest.add(tool.description ?? "")
            digest.add(tool.schema.map(\.sortedByKey.text) ?? "")
        }
        switch request.output {
        case .text: digest.add("text")
        case .json: digest.add("json")
        case .jsonSchema(let name, let schema, let strict):
            digest.add("schema")
            digest.add(name)
            digest.add(schema.sortedByKey.text)
            digest.add(strict ? "strict" : "")
        }
        return digest.key
    }

    private static func key(after previous: SessionKey, _ turn: Turn, isNamed: Bool) -> SessionKey {
        var digest = KeyDigest()
        digest.add(previous.bytes)
        digest.add(turn.role == .user ? "user" : "model")
        if isNamed, turn.role == .model { return digest.key }
        digest.add(turn.name ?? "")
        digest.add(parts: turn.parts, turn.role)
        return digest.key
    }
}

/// Gathers fields, each with its length before it, so that no two lists of fields give one text.
private struct KeyDigest {
    private var bytes: [UInt8] = []

    var key: SessionKey { SessionKey(bytes: SHA256.hash(bytes)) }

    mutating func add(_ text: String) { add(Array(text.utf8)) }

    mutating func add(_ field: some Collection<UInt8>) {
        withUnsafeBytes(of: UInt64(field.count).littleEndian) { bytes.append(contentsOf: $0) }
        bytes.append(contentsOf: field)
    }

    /// Text joined, calls by name and arguments in an order of their own, files and results.
    mutating func add(parts: [Part], _ role: Turn.Role) {
        var text = ""
        var calls: [String] = []
        for part in parts {
            switch part.content {
            case .text(let piece), .refusal(let piece): text += text.isEmpty || piece.isEmpty ? piece : "\n" + piece
            case .reasoning: continue
            case .toolCall(let call): calls.append(Self.canonical(call))
            // What the model drew comes back as a link, in another form, or not at all.
            case .media(let media): if role == .user { add(media) }
            case .toolResult(let result):
                add("result")
                if result.isError { add("error") }
                add(parts: result.parts, .user)
            }
        }
        add("text")
        add(role == .model ? ComparableText.ofModel(text) : ComparableText.ofClient(text))
        for call in calls.sorted() { add(call) }
    }

    private static func canonical(_ call: ToolCall) -> String {
        let arguments = LenientJSON.parse(Array(call.rawArguments.utf8)[...])?.sortedByKey.text ?? call.rawArguments
        return "call \(call.name) \(arguments)"
    }

    private mutating func add(_ media: Media) {
        add("media")
        switch media.source {
        case .inline(let content): add(SHA256.hash(content))
        case .url(let url): add("url " + url)
        case .file(let id): add("file " + id)
        case .stored(let file): add("stored " + file.name)
        }
    }
}
