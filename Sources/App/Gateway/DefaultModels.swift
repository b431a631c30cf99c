import PolluxCore

/// `models_default:`, for requests that name no model.
struct DefaultModels: SettingsReadable, Equatable {
    var text: String
    var image: String

    init(reading map: inout SettingsMap) {
        text = map.string("text", default: "gemini-auto", help: "For requests that name no model.")
        image = map.string(
            "image", default: "gemini-3-pro-image-preview", help: "For those of them that ask for an image.")
        for (key, name) in [("text", text), ("image", image)] where name.isEmpty {
            map.issue(at: key, "the model has no name; leave the key out to keep its default")
        }
    }

    /// - Throws: `invalidRequest` when the request names no model and nobody offers the default.
    func applied(to request: ModelRequest, _ pipeline: Pipeline) throws(GatewayError) -> ModelRequest {
        guard request.model.isEmpty else { return request }
        let (key, name) = request.modalities.contains(.image) ? ("image", image) : ("text", text)
        guard pipeline.model(named: name) != nil else {
            throw .invalid(
                "model",
                "model is missing, and no provider offers the default \"\(name)\" (models_default.\(key));"
                    + " name a model: GET /v1/models lists them",
                code: "missing_required_parameter")
        }
        var request = request
        (request.model, request.resolvedModel) = (name, name)
        return request
    }
}
