import PolluxCore

/// Parts of Google's API that this gateway does not have: clients are told so, rather than that the path is wrong.
enum GeminiRefusals {
    static func refusal(of method: HTTPMethod, at path: [String]) -> GatewayError? {
        guard let first = path.first else { return nil }
        let last = path.last ?? first
        let verb = last.lastIndex(of: ":").map { String(last[last.index(after: $0)...]) } ?? ""
        if let collection = first.split(separator: ":").first.flatMap({ collections[String($0)] }) {
            return unimplemented(collection)
        }
        guard first == "models", method == .post else { return nil }
        if let what = verbs[verb] { return unimplemented(what) }
        return GatewayError(
            .routeNotFound, .request,
            "this gateway has no such method; use :generateContent, :streamGenerateContent or :countTokens")
    }

    private static let collections = [
        "cachedContents": "cached contents; send the content in 'contents'",
        "tunedModels": "tuned models; choose one of GET /v1beta/models", "corpora": "corpora",
        "files": "file uploads yet; send the bytes as 'inlineData'", "batches": "batches; send single requests",
        "interactions": "the interactions API; use :generateContent",
        "fileSearchStores": "file search", "operations": "operations", "dynamic": "dynamic models",
        "auth_tokens": "tokens for live sessions",
    ]
    private static let verbs = [
        "embedContent": "embeddings yet", "batchEmbedContents": "embeddings yet",
        "asyncBatchEmbedContent": "batches; send single requests",
        "batchGenerateContent": "batches; send single requests", "predict": "image prediction yet",
        "predictLongRunning": "video generation", "bidiGenerateContent": "live sessions",
        "embedText": "embeddings yet", "generateMessage": "the old text API; use :generateContent",
        "generateText": "the old text API; use :generateContent",
    ]

    private static func unimplemented(_ what: String) -> GatewayError {
        GatewayError(
            .unsupported, .request, "this gateway does not offer \(what)", code: GeminiErrorBody.unimplemented)
    }
}
