import PolluxCore

/// What a candidate says beside its content: sources, ratings, probabilities.
struct GeminiAddenda: Sendable {
    var citations: [Citation] = []
    var extensions: [String: JSON] = [:]

    mutating func add(_ name: String, _ value: JSON) { extensions[name, default: .null].extend(by: value) }

    /// Fields of a candidate that a provider of the same family hands on, by the name of the extension.
    private static let passedOn = [
        "groundingMetadata", "urlContextMetadata", "citationMetadata", "safetyRatings", "logprobsResult",
        "avgLogprobs", "finishMessage",
    ]

    /// - Parameter texts: The text parts by their place in the content; empty in a stream, whose text is gone.
    func write(texts: [(part: Int, text: String)], to writer: inout JSONWriter) {
        for name in Self.passedOn {
            guard let value = extensions["gemini.\(name)"] else { continue }
            writer.member(name, value)
        }
        if extensions["gemini.groundingMetadata"] == nil, !citations.isEmpty {
            writer.key("groundingMetadata")
            writeGrounding(texts, to: &writer)
        }
        if extensions["gemini.logprobsResult"] == nil, let logprobs = extensions["openai.logprobs"] {
            GeminiLogprobs.write(logprobs, to: &writer)
        }
    }

    // MARK: - Sources

    /// Offsets are bytes of UTF-8 in the part.
    private func writeGrounding(_ texts: [(part: Int, text: String)], to writer: inout JSONWriter) {
        var indices: [String: Int] = [:]
        var sources: [Citation] = []
        for citation in citations where indices[citation.url] == nil {
            indices[citation.url] = sources.count
            sources.append(citation)
        }
        writer.beginObject()
        writer.key("groundingChunks")
        writer.beginArray()
        for source in sources { Self.write(source, to: &writer) }
        writer.endArray()
        writer.key("groundingSupports")
        writer.beginArray()
        for citation in citations {
            writer.beginObject()
            writer.key("segment")
            writeSegment(citation.range, texts, to: &writer)
            writer.key("groundingChunkIndices")
            writer.beginArray()
            writer.value(indices[citation.url] ?? 0)
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private func writeSegment(_ range: Range<Int>, _ texts: [(part: Int, text: String)], to writer: inout JSONWriter) {
        var start = 0
        writer.beginObject()
        for (part, text) in texts {
            let end = start + text.utf8.count
            if range.lowerBound < end || part == texts.last?.part {
                let lower = min(max(range.lowerBound - start, 0), text.utf8.count)
                let upper = min(max(range.upperBound - start, lower), text.utf8.count)
                if part > 0 { writer.member("partIndex", part) }
                writer.member("startIndex", lower)
                writer.member("endIndex", upper)
                let bytes = text.utf8.dropFirst(lower).prefix(upper - lower)
                writer.member("text", String(decoding: bytes, as: UTF8.self))
                writer.endObject()
                return
            }
            start = end
        }
        writer.member("startIndex", range.lowerBound)
        writer.member("endIndex", range.upperBound)
        writer.endObject()
    }

    private static func write(_ source: Citation, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("web")
        writer.beginObject()
        writer.member("uri", source.url)
        if !source.title.isEmpty { writer.member("title", source.title) }
        writer.endObject()
        writer.endObject()
    }
}

/// Probabilities as the OpenAI family reports them, in this format's shape.
enum GeminiLogprobs {
    /// Writes the members `avgLogprobs` and `logprobsResult`.
    static func write(_ logprobs: JSON, to writer: inout JSONWriter) {
        let tokens = (logprobs["content"]?.array ?? []).filter { $0["token"]?.string != nil && $0["logprob"] != nil }
        guard !tokens.isEmpty else { return }
        let sum = tokens.reduce(0.0) { $0 + ($1["logprob"]?.double ?? 0) }
        writer.member("avgLogprobs", sum / Double(tokens.count))
        writer.key("logprobsResult")
        writer.beginObject()
        writer.key("chosenCandidates")
        writer.beginArray()
        for token in tokens { writeToken(token, to: &writer) }
        writer.endArray()
        writer.key("topCandidates")
        writer.beginArray()
        for token in tokens {
            writer.beginObject()
            writer.key("candidates")
            writer.beginArray()
            for rival in token["top_logprobs"]?.array ?? [] { writeToken(rival, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }

    private static func writeToken(_ token: JSON, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("token", token["token"]?.string ?? "")
        writer.member("logProbability", token["logprob"]?.double ?? 0)
        writer.endObject()
    }
}
