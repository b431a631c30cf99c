import PolluxCore
import PolluxFrontends
import Testing

@Suite("What a client says about its conversation")
struct ConversationFieldTests {
    private func decode(_ members: String, header: String? = nil) throws(GatewayError) -> ConversationHints {
        let frontend = try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
        let body = #"{"model":"m","messages":[{"role":"user","content":"Hi"}]\#(members)}"#
        var incoming = IncomingRequest.chat(Array(body.utf8))
        if let header { incoming.head.fields.append("x-pollux-conversation", header) }
        guard case .generate(let request) = try frontend.decode(incoming) else {
            throw GatewayError(.internalError, .request, "this is no generation")
        }
        return request.conversation
    }

    @Test("the header names the conversation, else conversation_id, else metadata")
    func order() throws {
        let members = #","conversation_id":"body","metadata":{"conversation_id":"note"}"#
        #expect(try decode(members, header: "head").id == "head")
        #expect(try decode(members).id == "body")
        #expect(try decode(#","metadata":{"conversation_id":"note"}"#).id == "note")
        #expect(try decode("") == ConversationHints())
    }

    @Test("user names no conversation: many programs send it constant")
    func user() throws {
        #expect(try decode(#","user":"ann""#) == ConversationHints())
    }

    @Test("the other hints are kept, an answer's id without its format's prefix")
    func hints() throws {
        let hints = try decode(#","previous_response_id":"resp_abc123","prompt_cache_key":"cache-1""#)
        #expect(hints.previousResponseID == "abc123")
        #expect(hints.promptCacheKey == "cache-1")
        #expect(hints.id == nil)
        #expect(try decode(#","previous_response_id":"chatcmpl-abc123""#).previousResponseID == "abc123")
        #expect(try decode(#","previous_response_id":"abc123""#).previousResponseID == "abc123")
    }

    @Test(
        "a conversation that cannot be one is refused by its field's name",
        arguments: [#""""#, "7", #""\u0000""#, #""\#(String(repeating: "x", count: 257))""#])
    func bad(value: String) throws {
        let error = try #require(throws: GatewayError.self) { try decode(#","conversation_id":\#(value)"#) }
        #expect(error.kind == .invalidRequest)
        #expect(error.param == "conversation_id")
    }

    @Test("a bad header is refused by its name")
    func badHeader() throws {
        let error = try #require(throws: GatewayError.self) {
            try decode("", header: String(repeating: "x", count: 257))
        }
        #expect(error.param == "x-pollux-conversation")
    }

    @Test(
        "metadata is the client's own: what is no name there is passed over",
        arguments: ["7", "[1]", #"{"conversation_id":7}"#, #"{"conversation_id":""}"#, #"{"conversation_id":null}"#])
    func metadata(value: String) throws {
        #expect(try decode(#","metadata":\#(value)"#).id == nil)
    }

    @Test("the gateway's own field is not sent on to an upstream")
    func notForwarded() throws {
        let request = try ChatDecoding.decode(with: #""conversation_id":"c1""#)
        #expect(request.extensions["openai.conversation_id"] == nil)
    }

    @Test("the answer says which conversation it belongs to, whole and streamed")
    func echo() throws {
        let frontend = try OpenAIFrontend(settings: OpenAIFrontendSettings(), context: FrontendContext(log: .silent))
        let reply = ReplyContext(requestID: "req_1", created: WallTime(seconds: 1), responseID: "abc")
        for id in ["c\"1", nil] {
            var request = ModelRequest(id: "req_1", model: "m")
            request.conversation.id = id
            var reducer = ModelResponseReducer()
            var encoder = frontend.makeEncoder(for: request, reply)
            var stream: [UInt8] = []
            for event in [ModelEvent.textDelta("Hi"), .finished(.stop)] {
                reducer.apply(event)
                encoder.encode(event, into: &stream)
            }
            let whole = try JSON.parse(frontend.encode(reducer.response, for: request, reply).body)
            #expect(whole["conversation_id"]?.string == id)
            let first = String(decoding: stream, as: UTF8.self).split(separator: "\n\n")[0].dropFirst(6)
            #expect(try JSON.parse(Array(first.utf8))["conversation_id"]?.string == id)
        }
    }
}
