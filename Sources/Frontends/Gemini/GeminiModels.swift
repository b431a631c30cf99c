import PolluxCore

/// Lists of models, in pages (Gemini format notes, section 1).
extension HTTPAnswer {
    /// `GET …/models?pageSize&pageToken`.
    static func gemini(_ models: [ModelInfo], _ page: ModelPage) -> HTTPAnswer {
        var start = 0
        if let token = page.token {
            // The mark names the last model shown, so that the list may change between two pages.
            guard let last = GeminiPageToken.model(in: token), let place = models.firstIndex(where: { $0.id == last })
            else {
                return .gemini(
                    .invalid("pageToken", "'pageToken' is not valid any more; list again from the start"))
            }
            start = place + 1
        }
        let end = min(models.count, start + (page.size ?? models.count))
        var answer = geminiJSON()
        JSONWriter.append(to: &answer.body) { writer in
            writer.beginObject()
            writer.key("models")
            writer.beginArray()
            for model in models[start..<end] { model.writeGemini(to: &writer) }
            writer.endArray()
            if end < models.count, end > start {
                writer.member("nextPageToken", GeminiPageToken.token(after: models[end - 1].id))
            }
            writer.endObject()
        }
        return answer
    }

    /// `GET …/models/{id}`.
    static func gemini(_ model: ModelInfo) -> HTTPAnswer {
        var answer = geminiJSON()
        JSONWriter.append(to: &answer.body) { model.writeGemini(to: &$0) }
        return answer
    }

    /// `POST …/models/{id}:countTokens`.
    static func gemini(_ tokens: TokenCount) -> HTTPAnswer {
        var answer = geminiJSON()
        JSONWriter.append(to: &answer.body) { writer in
            writer.beginObject()
            writer.member("totalTokens", tokens.total)
            writer.key("promptTokensDetails")
            writer.beginArray()
            if tokens.text > 0 { GeminiParts.writeModality("TEXT", tokens.text, to: &writer) }
            for (kind, count) in tokens.media.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                GeminiParts.writeModality(kind.rawValue.uppercased(), count, to: &writer)
            }
            writer.endArray()
            writer.endObject()
        }
        return answer
    }
}

extension ModelPage {
    /// - Throws: `invalidRequest` for a size that is no number.
    init(geminiQuery query: [(name: String, value: String)]) throws(GatewayError) {
        var (size, token) = (50, String?.none)
        for (name, value) in query {
            switch GeminiName.camel(name) {
            case "pageSize":
                guard let number = Int(value), number >= 0 else {
                    throw .invalid("pageSize", "'pageSize' must be a number, 0 or more")
                }
                // 0 stands for the default, as everywhere in this format.
                if number > 0 { size = min(number, 1000) }
            case "pageToken" where !value.isEmpty: token = value
            default: break
            }
        }
        self.init(size: size, token: token)
    }
}

/// The mark between two pages. Opaque to clients.
private enum GeminiPageToken {
    static func token(after model: String) -> String { Base64.encode(Array(model.utf8), .urlSafe) }

    static func model(in token: String) -> String? {
        guard let bytes = try? Base64.decode(token, .urlSafe) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}

extension ModelInfo {
    /// Clients choose a model by its methods, so only what works is named.
    fileprivate func writeGemini(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("name", "models/\(id)")
        writer.member("baseModelId", id)
        writer.member("version", "1")
        writer.member("displayName", displayName ?? id)
        if let description { writer.member("description", description) }
        if let inputTokenLimit { writer.member("inputTokenLimit", inputTokenLimit) }
        if let outputTokenLimit { writer.member("outputTokenLimit", outputTokenLimit) }
        writer.key("supportedGenerationMethods")
        writer.beginArray()
        if capabilities.contains(.chat) {
            for method in ["generateContent", "streamGenerateContent", "countTokens"] { writer.value(method) }
        }
        writer.endArray()
        writer.endObject()
    }
}
