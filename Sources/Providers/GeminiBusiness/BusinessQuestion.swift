internal import PolluxCore

/// One question in a session, as the method `widgetStreamAssist` takes it.
///
/// Source: Gemini Business protocol notes, section 5.2; the constants are what the web app sends.
struct BusinessQuestion {
    let parameters: JSON

    init(
        _ request: ModelRequest, _ prompt: BusinessPrompt, _ session: BusinessSession,
        _ settings: GeminiBusinessSettings
    ) {
        var parameters = JSONObject([
            ("session", .string(session.name)),
            ("query", ["parts": [["text": .string(prompt.text)]]]),
            ("filter", ""),
            ("fileIds", []),
            ("answerGenerationMode", "NORMAL"),
            ("toolsSpec", Self.tools(request, settings)),
            ("languageCode", .string(settings.languageCode)),
            ("userMetadata", ["timeZone": .string(settings.timeZone)]),
            // Without it the upstream skips prompts that are no questions.
            ("assistSkippingMode", "REQUEST_ASSIST"),
        ])
        if let model = Self.upstreamModel(request.resolvedModel, settings) {
            parameters["assistGenerationConfig"] = ["modelId": .string(model)]
        }
        self.parameters = .object(parameters)
    }

    /// The members that are present switch tools on.
    private static func tools(_ request: ModelRequest, _ settings: GeminiBusinessSettings) -> JSON {
        var tools = JSONObject([("toolRegistry", "default_tool_registry")])
        let isSearchAskedFor = request.hostedTools.contains { if case .webSearch = $0 { true } else { false } }
        if settings.webGrounding || isSearchAskedFor { tools["webGroundingSpec"] = [:] }
        return .object(tools)
    }

    /// A name that is not listed goes to the upstream as it is: a route may name what the list does not know yet.
    private static func upstreamModel(_ name: String, _ settings: GeminiBusinessSettings) -> String? {
        guard let model = settings.models.first(where: { $0.id == name }) else { return name }
        return model.upstreamID
    }
}
