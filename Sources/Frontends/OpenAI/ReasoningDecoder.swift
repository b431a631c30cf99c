import PolluxCore

/// Reads the three ways in which clients say how much the model is to think: OpenAI's `reasoning_effort`, OpenRouter's
/// `reasoning`, and the thinking settings of Google's compatible endpoint (OpenAI format notes, section 3).
struct ReasoningDecoder {
    private var reasoning = Reasoning()
    private var effort: Reasoning.Level?

    /// The most explicit field wins: `reasoning_effort`.
    var result: Reasoning {
        var result = reasoning
        if let effort { result.level = effort }
        return result
    }

    /// - Returns: False when the field is none of these.
    mutating func read(_ key: String, _ value: JSON) throws(FieldFault) -> Bool {
        switch key {
        case "reasoning_effort": effort = try value.asChoice()
        case "reasoning": try readObject(try value.asObject())
        case "google": try readGoogle(try value.asObject())
        case "extra_body": try readExtraBody(try value.asObject())
        default: return false
        }
        return true
    }

    /// `{effort, max_tokens, exclude, enabled}`.
    private mutating func readObject(_ object: JSONObject) throws(FieldFault) {
        let level: Reasoning.Level? = try object.optional("effort", JSON.asChoice)
        let budget = try object.optional("max_tokens", JSON.asTokenBudget)
        let isExcluded = try object.optional("exclude", JSON.asBool)
        let isEnabled = try object.optional("enabled", JSON.asBool)
        if let level { reasoning.level = level }
        if let budget { reasoning.budget = budget }
        if let isExcluded { reasoning.includeText = !isExcluded }
        switch isEnabled {
        case false: reasoning.level = Reasoning.Level.none
        case true where level == nil && budget == nil: reasoning.level = .medium
        default: break
        }
    }

    private mutating func readExtraBody(_ object: JSONObject) throws(FieldFault) {
        for (key, value) in object.members where !value.isNull {
            do {
                try DeniedFields.check(key)
                if key == "google" { try readGoogle(try value.asObject()) }
            } catch {
                throw error.inside(key)
            }
        }
    }

    /// `{thinking_config: {thinking_budget, thinking_level, include_thoughts}}`.
    private mutating func readGoogle(_ object: JSONObject) throws(FieldFault) {
        guard let config = try object.optional("thinking_config", JSON.asObject) else { return }
        do {
            let budget = try config.optional("thinking_budget", JSON.asTokenBudget)
            let level = try config.optional("thinking_level", JSON.asThinkingLevel)
            let includesText = try config.optional("include_thoughts", JSON.asBool)
            if let budget { reasoning.budget = budget }
            if let level { reasoning.level = level }
            if let includesText { reasoning.includeText = includesText }
        } catch {
            throw error.inside("thinking_config")
        }
    }
}

extension JSON {
    /// 0 is off, -1 leaves it to the model.
    fileprivate func asTokenBudget() throws(FieldFault) -> Int { try asInteger(in: -1...Int.max) }

    /// Google writes its levels in capitals as well.
    fileprivate func asThinkingLevel() throws(FieldFault) -> Reasoning.Level {
        try JSON.string(try asString().lowercased()).asChoice()
    }
}
