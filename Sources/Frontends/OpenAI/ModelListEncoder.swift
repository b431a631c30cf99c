import PolluxCore

extension HTTPAnswer {
    /// `GET /models`.
    static func openAI(_ models: [ModelInfo]) -> HTTPAnswer {
        var answer = openAIJSON()
        JSONWriter.append(to: &answer.body) { writer in
            writer.beginObject()
            writer.member("object", "list")
            writer.key("data")
            writer.beginArray()
            for model in models { model.write(to: &writer) }
            writer.endArray()
            writer.endObject()
        }
        return answer
    }

    /// `GET /models/{id}`.
    static func openAI(_ model: ModelInfo) -> HTTPAnswer {
        var answer = openAIJSON()
        JSONWriter.append(to: &answer.body) { model.write(to: &$0) }
        return answer
    }
}

extension ModelInfo {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("id", id)
        writer.member("object", "model")
        writer.member("created", created)
        writer.member("owned_by", owner)
        writer.endObject()
    }
}
