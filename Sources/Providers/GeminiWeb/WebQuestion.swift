import PolluxCore

/// Where a chat stands: what a further question has to name. Opaque, and good for the account it came from only.
///
/// Source: Gemini web protocol notes, section 5.5.
struct WebChat: Sendable, Equatable {
    var conversation = ""
    var reply = ""
    var candidate = ""
    var context = ""

    /// A chat that the upstream does not know yet.
    static let new = WebChat()
    var isNew: Bool { conversation.isEmpty }

    var metadata: JSON {
        let head: [JSON] = [.string(conversation), .string(reply), .string(candidate)]
        return .array(head + [JSON](repeating: nil, count: 6) + [.string(context)])
    }
}

/// One question to the model, as the web app asks it.
///
/// Source: Gemini web protocol notes, section 5.
struct WebQuestion: Sendable {
    var prompt: String
    var chat: WebChat
    var choice: WebModelChoice
    var thinksLonger: Bool
    var isTemporary: Bool

    /// Each frame repeats the answer so far, so a long one is many times its own length on the wire. Frames are dropped
    /// as they are read; what is kept is bounded by the frame.
    private static let maxAnswerBytes = 512 << 20

    /// - Parameter session: Names the account's tier for the model's selector.
    func call(_ client: WebClient, _ session: WebSession, requestID: Int) -> WebClient.Call {
        let uuid = client.makeUUID()
        var fields = WebClient.appFields
        fields.append("x-same-domain", "1")
        fields.append("x-goog-ext-525005358-jspb", "[\"\(uuid)\",1]")
        if case .model(let model) = choice {
            fields.append("x-goog-ext-525001261-jspb", selector(model, session).text)
            fields.append("x-goog-ext-73010989-jspb", "[0]")
            fields.append("x-goog-ext-73010990-jspb", "[0,0,0]")
        }
        let inner = inner(language: session.language(client.settings.language), uuid: uuid)
        let request: JSON = [nil, .string(inner.text)]
        return WebClient.Call(
            target: "/_/BardChatUi/data/assistant.lamda.BardFrontendService/StreamGenerate"
                + client.query(session, requestID),
            fields: fields, body: client.form(session, request.bytes()), deadlines: nil,
            maxResponseBytes: Self.maxAnswerBytes)
    }

    private var thinkingLevel: JSON { thinksLonger ? 2 : 1 }

    private func selector(_ model: WebModel, _ session: WebSession) -> JSON {
        var slots = [JSON](repeating: nil, count: 17)
        slots[0] = 1
        slots[4] = .string(model.id)
        slots[7] = 0
        slots[8] = [4, 5, 6, 8]
        slots[11] = .number(JSONNumber(session.status.capacity))
        slots[14] = .number(JSONNumber(model.number))
        slots[15] = thinkingLevel
        slots[16] = .string(session.id)
        return .array(slots)
    }

    /// The constants are what the web app sends.
    private func inner(language: String, uuid: String) -> JSON {
        var slots = [JSON](repeating: nil, count: 81)
        slots[0] = [.string(prompt), 0, nil, nil, nil, nil, 0]
        slots[1] = [.string(language)]
        slots[2] = chat.metadata
        slots[6] = [1]
        slots[7] = 1
        slots[10] = 1
        slots[11] = 0
        slots[17] = [[0]]
        slots[18] = 0
        slots[27] = 1
        slots[30] = [4]
        slots[41] = [1]
        if isTemporary { slots[45] = 1 }
        slots[53] = 0
        slots[59] = .string(uuid)
        slots[61] = []
        slots[68] = 1
        if case .model(let model) = choice {
            slots[79] = .number(JSONNumber(model.number))
        } else {
            slots[79] = 1
        }
        slots[80] = thinkingLevel
        return .array(slots)
    }
}
