internal import PolluxCore

/// One question in a session, as the method `widgetStreamAssist` takes it.
///
/// Source: Gemini Business protocol notes, section 5.2; the constants are what the web app sends.
struct BusinessQuestion {
    let parameters: JSON

    /// - Parameter fileIDs: Of files in the same session.
    init(
        _ text: String, fileIDs: [String], in session: BusinessSession, _ choice: BusinessModelChoice,
        _ settings: GeminiBusinessSettings
    ) {
        var parameters = JSONObject([
            ("session", .string(session.name)),
            ("query", ["parts": [["text": .string(text)]]]),
            ("filter", ""),
            ("fileIds", .array(fileIDs.map { .string($0) })),
            ("answerGenerationMode", "NORMAL"),
            ("toolsSpec", choice.toolsSpec),
            ("languageCode", .string(settings.languageCode)),
            ("userMetadata", ["timeZone": .string(settings.timeZone)]),
            // Without it the upstream skips prompts that are no questions.
            ("assistSkippingMode", "REQUEST_ASSIST"),
        ])
        if let model = choice.upstreamID { parameters["assistGenerationConfig"] = ["modelId": .string(model)] }
        self.parameters = .object(parameters)
    }
}
