import PolluxCore

/// Reads the numbers that steer the choice of tokens, and where the answer stops.
struct SamplingDecoder {
    private var sampling = Sampling()
    private var maxCompletionTokens: Int?

    /// `max_completion_tokens` wins over its older name.
    var result: Sampling {
        var result = sampling
        if let maxCompletionTokens { result.maxOutputTokens = maxCompletionTokens }
        return result
    }

    /// - Returns: False when the field is none of these.
    mutating func read(_ key: String, _ value: JSON) throws(FieldFault) -> Bool {
        switch key {
        case "temperature": sampling.temperature = try value.asNumber(in: 0...2)
        case "top_p": sampling.topP = try value.asNumber(in: 0...1)
        // 0 and -1 are local servers' ways to say "all", which is what leaving it out says too.
        case "top_k":
            let count = try value.asInteger(in: -1...Int.max)
            sampling.topK = count > 0 ? count : nil
        case "max_completion_tokens": maxCompletionTokens = try value.asInteger(in: 1...Int.max)
        case "max_tokens": sampling.maxOutputTokens = try value.asInteger(in: 1...Int.max)
        case "stop": sampling.stop = try readStop(value)
        case "seed": sampling.seed = try value.asInteger(in: Int.min...Int.max)
        case "presence_penalty": sampling.presencePenalty = try value.asNumber(in: -2...2)
        case "frequency_penalty": sampling.frequencyPenalty = try value.asNumber(in: -2...2)
        case "logit_bias": sampling.logitBias = try readLogitBias(value)
        case "logprobs": sampling.logprobs = try value.asBool()
        case "top_logprobs": sampling.topLogprobs = try value.asInteger(in: 0...20)
        default: return false
        }
        return true
    }

    private func readStop(_ value: JSON) throws(FieldFault) -> [String] {
        if case .string(let text) = value {
            if text.isEmpty { throw FieldFault("must not be empty; leave it out for no stop sequence") }
            return [text]
        }
        guard case .array(let elements) = value else {
            throw .wrongType(value, expected: "a string or an array of strings")
        }
        let limit = RequestLimits.stopSequences
        guard elements.count <= limit else {
            throw FieldFault("holds \(elements.count) stop sequences; at most \(limit) are allowed")
        }
        let stop = try value.asArray(of: JSON.asString)
        if let index = stop.firstIndex(of: "") { throw FieldFault("must not be empty").inside(index) }
        return stop
    }

    private func readLogitBias(_ value: JSON) throws(FieldFault) -> JSON {
        let biases = try value.asObject()
        for (token, bias) in biases.members {
            do {
                _ = try bias.asNumber(in: -100...100)
            } catch {
                throw error.inside(token)
            }
        }
        return value
    }
}
