/// How many tokens a request would spend, by what they stand for. An estimate: it grows with the request, and counts
/// text as `TokenEstimate` does.
public struct TokenCount: Sendable, Equatable {
    public private(set) var text = 0
    public private(set) var media: [Media.Kind: Int] = [:]

    /// Everything that the upstream would be sent: system text, turns, and the specifications of tools.
    public init(of request: borrowing ModelRequest) {
        var estimate = TokenEstimate()
        add(request.system, &estimate)
        for turn in request.turns { add(turn.parts, &estimate) }
        for tool in request.tools {
            estimate.add(tool.name)
            if let description = tool.description { estimate.add(description) }
            if let schema = tool.schema { estimate.add(schema.text) }
        }
        if case .jsonSchema(_, let schema, _) = request.output { estimate.add(schema.text) }
        text = Self.sum(text, estimate.tokens)
    }

    public var total: Int { media.values.reduce(text, Self.sum) }

    private mutating func add(_ parts: [Part], _ estimate: inout TokenEstimate) {
        // A span lends what a loop over the array would copy.
        let parts = parts.span
        for index in parts.indices { add(parts[index].content, &estimate) }
    }

    private mutating func add(_ content: Part.Content, _ estimate: inout TokenEstimate) {
        switch content {
        case .text(let text), .reasoning(let text), .refusal(let text): estimate.add(text)
        case .toolCall(let call):
            estimate.add(call.name)
            estimate.add(call.rawArguments)
        case .toolResult(let result):
            estimate.add(result.name)
            // Results hold text and media, never results.
            for part in result.parts {
                switch part.content {
                case .text(let text), .reasoning(let text), .refusal(let text): estimate.add(text)
                case .media(let item): add(item)
                case .toolCall, .toolResult: break
                }
            }
        case .media(let item): add(item)
        }
    }

    private mutating func add(_ item: Media) {
        media[item.kind] = Self.sum(media[item.kind] ?? 0, Self.tokens(of: item))
    }

    /// The upstreams count an image, or a page, as 258; sound and film by the second. Seconds and pages are guessed
    /// from the bytes, at usual rates: 16 kB a second of sound, 50 kB a page, 4 bytes of plain text a token.
    private static func tokens(of item: Media) -> Int {
        guard case .inline(let bytes) = item.source else { return tokensOfImage }
        switch item.kind {
        case .image: return tokensOfImage
        case .audio, .video: return max(tokensOfImage, bytes.count / 500)
        case .document:
            return item.mimeType.hasPrefix("text/") ? bytes.count / 4 + 1 : max(tokensOfImage, bytes.count / 200)
        }
    }

    private static let tokensOfImage = 258

    private static func sum(_ left: Int, _ right: Int) -> Int {
        let (sum, overflow) = left.addingReportingOverflow(right)
        return overflow ? .max : sum
    }
}
