extension SimulatorKind {
    /// Every mark that a prompt may hold for this upstream, and what it does; `directiveText` says how it is written.
    ///
    /// `POST /__sim/fault` takes the same in `"directives"`.
    public var directives: [(mark: String, meaning: String)] {
        switch self {
        case .geminiBusiness: Self.businessDirectives
        case .openAI: Self.openAIDirectives
        case .geminiWeb: Self.webDirectives
        }
    }

    /// A mark as it stands in a prompt: `[[sim:mark]]`, several with commas between, or for `gemini-web`
    /// `!sim mark value` on a line of its own.
    public func directiveText(_ mark: String) -> String {
        self == .geminiWeb ? "!sim \(mark)" : "[[sim:\(mark)]]"
    }

    private static let businessDirectives = [
        (
            "http=429",
            "the HTTP status, with its usual error; retry-after=5 adds the header, array a list round the error"
        ),
        ("reason=QUOTA", "the reason in such an error, here and in band; empty: none. For 429 it is LLM_OVERLOADED"),
        ("inband=429", "status 200 and the error as the only element"),
        ("late-inband=429", "the error behind the text, in place of the final element"),
        ("skip=policy", "SKIPPED for a violation of policy; skip=other: the prompt asks for nothing"),
        ("failed", "the final state is FAILED"),
        ("empty", "a final element and nothing else"),
        ("thoughts-only", "thoughts and a final element"),
        ("cut", "the connection ends inside an element after some text; cut=0: before any; cut=3: after three deltas"),
        ("slow=50", "milliseconds between two chunks"),
        ("ctrl", "the mark <ctrl46> leaks into the text"),
        ("rawctrl", "control characters stand unescaped in strings"),
        ("cite", "a reply with citations"),
        ("unicode", "text that readers of lines or bytes get wrong"),
        ("big=1000000", "one more delta of so many bytes, 16 MiB at most"),
        (
            "noise",
            "elements, answers, replies and members that a reader must pass over, and two replies in one element"
        ),
        ("nofinal", "no final element, though the array is closed"),
        ("code", "code that the model ran, and its output"),
        ("files", "type, size, SHA-256 and name of each attached file, as text"),
        ("images=3", "so many files, when files are made"),
        ("video", "a film where the tools for both are on"),
        ("file", "a picture with a text answer too"),
        ("onlytext", "text in place of the files"),
        ("inline", "the bytes in the answer, in place of a file; with a text answer too"),
        ("older", "pictures in generatedImages of the response; older=answer, older=reply: of the answer, of a reply"),
        ("twice", "each file is named twice"),
        ("wrongtype", "the answer calls each file application/octet-stream, the list of files does not"),
        ("notext", "no text beside the files"),
        ("unlisted=2", "the first two lists of files lack the file"),
        ("late=2", "the first two downloads of the file answer 404"),
        ("b64", "the download's body is Base64 text"),
    ]

    private static let openAIDirectives = [
        ("http=429", "the HTTP status, with its usual error; retry-after=5 adds the header"),
        ("cut", "the connection ends inside an event; cut=3: after three pieces of text, cut=0: before any"),
        ("reset", "the same with a TCP reset"),
        ("stall", "the same with silence"),
        ("badchunk", "the same with a chunk size that is none"),
        ("badjson", "a broken event, or a broken body"),
        ("errorevent=429", "an error inside the answer, at=0: before any text"),
        ("endless", "text without end"),
        ("drop", "the connection closes without a reply; drop=reset: with a TCP reset"),
        ("headerstall", "silence in place of a reply"),
        ("halfhead", "half a head, then silence"),
        ("badstatus", "a status line that is none"),
        ("bighead", "a header field of 70,000 bytes"),
        ("badencoding", "a body that is not compressed though it says so"),
        ("interim", "an answer 103 before the real one"),
        ("html", "a page with status 200"),
        ("emptybody", "status 200 without a body"),
        ("redirect", "302 to somewhere else"),
        ("nofinish", "no finish reason"),
        ("nodone", "no [DONE]"),
        ("finish=length", "this finish reason"),
        ("empty", "a finish reason and no text"),
        ("comments", "comment lines between events; comments=only: nothing else, for ever"),
        ("crlf", "this line end; cr likewise"),
        ("bom", "a byte order mark first"),
        ("nospace", "no space behind data:"),
        ("multiline", "several data lines an event"),
        ("fields", "event, id and retry lines too"),
        ("split", "the bytes of an event in several packets, characters cut"),
        ("slow=50", "milliseconds between two events, or before a whole answer"),
        ("chunks=20", "so many pieces of text"),
        ("big=1000000", "one piece of text of so many bytes"),
        ("think", "thoughts in reasoning_content"),
        ("tool", "a call of the first tool; tool=name: of this one; tools=2: two calls"),
        ("args={}", "the arguments of the call"),
    ]

    private static let webDirectives = [
        ("say", "<text>: this reply; \\n in it is a line end"),
        ("think", "<text>: thoughts, streamed before the text"),
        ("history", "x: the reply is the first lines of the user's earlier messages in the chat"),
        ("files", "x: the reply is name, size, SHA-256 and type of each attached file"),
        ("call", "<name> <json>: a pollux-call block behind the text"),
        ("image", "<n>: so many generated images, in their place"),
        ("image-edit", "<n>: the same in the sparse form"),
        ("webimage", "x: an image from the web"),
        ("video", "x: a generated video; its first download answers 206"),
        ("music", "x: generated music, as audio and as video"),
        ("cite", "x: a mark with two sources"),
        ("escape", "x: entities and backslashes outside code blocks, as the web app writes them"),
        ("flicker", "x: unfinished frames end with what the next one takes back"),
        ("split", "x: network chunks of seven bytes"),
        ("stall", "<seconds>: a pause behind the first frame with text"),
        ("truncate", "x: the stream ends half-way, in order; the turn can be read back"),
        ("cut", "x: the connection breaks half-way inside a frame"),
        ("drop", "x: bookkeeping frames only"),
        ("status", "<n>: a bare status and nothing else"),
        ("error", "<code>: this error and nothing else"),
        ("late-error", "<code>: an error behind a complete answer, 1096 by default"),
        ("http", "<status>: a plain HTTP error"),
        ("xsrf", "x: the account's token changes, once for a prompt"),
    ]
}
