import PolluxCore

/// Reads `generationConfig` (Gemini format notes, section 3.1).
struct GenerationConfigDecoder {
    private(set) var ignored = IgnoredFields()
    private var sampling = Sampling()
    private var reasoning = Reasoning()
    private var candidateCount = 1
    private var modalities: Set<Modality> = []
    private var extensions: [String: JSON] = [:]
    private var mimeType: MimeType?
    private var responseSchema: (field: String, schema: JSON)?
    private var responseJSONSchema: (field: String, schema: JSON)?

    private enum MimeType: String, CaseIterable {
        case text = "text/plain"
        case json = "application/json"
        case choice = "text/x.enum"
    }

    mutating func read(_ config: JSONObject) throws(FieldFault) {
        for (key, value) in config.members where !value.isNull {
            do {
                let name = GeminiName.camel(key)
                if try !readSampling(name, value), try !readForm(name, value, key) {
                    try DeniedFields.check(name)
                    ignored.note(name, in: "generationConfig")
                }
            } catch {
                throw error.inside(key)
            }
        }
    }

    func finish(into request: inout ModelRequest) throws(FieldFault) {
        request.sampling = sampling
        request.reasoning = reasoning
        // Thoughts are shown only to those who ask for them.
        request.reasoning.includeText = reasoning.includeText ?? false
        request.candidateCount = candidateCount
        request.modalities = modalities
        request.extensions.merge(extensions) { _, new in new }
        do {
            try finishOutput(of: &request)
        } catch {
            throw error.inside("generationConfig")
        }
    }

    // MARK: - Sampling

    /// - Returns: False when the field is none of these.
    private mutating func readSampling(_ name: String, _ value: JSON) throws(FieldFault) -> Bool {
        switch name {
        case "temperature": sampling.temperature = try value.asNumber(in: 0...2)
        case "topP": sampling.topP = try value.asNumber(in: 0...1)
        case "topK":
            let count = try value.asInteger(in: 0...Int.max)
            sampling.topK = count > 0 ? count : nil
        case "candidateCount": candidateCount = try value.asInteger(in: 1...8)
        case "maxOutputTokens": sampling.maxOutputTokens = try value.asInteger(in: 1...Int.max)
        case "stopSequences": sampling.stop = try readStop(value)
        case "seed": sampling.seed = try value.asInteger(in: Int.min...Int.max)
        case "presencePenalty": sampling.presencePenalty = try value.asNumber(in: -2...2)
        case "frequencyPenalty": sampling.frequencyPenalty = try value.asNumber(in: -2...2)
        case "responseLogprobs": sampling.logprobs = try value.asBool()
        case "logprobs": sampling.topLogprobs = try value.asInteger(in: 0...20)
        default: return false
        }
        return true
    }

    private func readStop(_ value: JSON) throws(FieldFault) -> [String] {
        let stop = try value.asArray(of: JSON.asString)
        guard stop.count <= 5 else {
            throw FieldFault("holds \(stop.count) stop sequences; at most 5 are allowed")
        }
        if let index = stop.firstIndex(of: "") { throw FieldFault("must not be empty").inside(index) }
        return stop
    }

    // MARK: - The form of the answer

    private mutating func readForm(_ name: String, _ value: JSON, _ key: String) throws(FieldFault) -> Bool {
        switch name {
        case "responseMimeType": mimeType = try JSON.string(try value.asString().lowercased()).asChoice()
        case "responseSchema": responseSchema = (key, try OpenAPISchema.converted(value))
        case "responseJsonSchema": responseJSONSchema = (key, .object(try value.asObject()))
        case "responseModalities": modalities = try readModalities(value)
        case "thinkingConfig": try readThinking(try value.asObject())
        case "imageConfig": extensions["gemini.imageConfig"] = try Self.imageConfig(try value.asObject())
        case "mediaResolution", "speechConfig", "enableEnhancedCivicAnswers", "audioTranscriptionConfig":
            extensions["gemini.\(name)"] = value
        default: return false
        }
        return true
    }

    private enum ModalityName: String, CaseIterable {
        case unspecified = "MODALITY_UNSPECIFIED"
        case text = "TEXT"
        case image = "IMAGE"
        case audio = "AUDIO"
    }

    private func readModalities(_ value: JSON) throws(FieldFault) -> Set<Modality> {
        var found: Set<Modality> = []
        for (index, element) in value.elements.enumerated() {
            do {
                let name: ModalityName = try element.asEnum()
                switch name {
                case .unspecified: break
                case .text: found.insert(.text)
                case .image: found.insert(.image)
                case .audio: found.insert(.audio)
                }
            } catch {
                throw error.inside(index)
            }
        }
        return found
    }

    private enum ThinkingLevel: String, CaseIterable {
        case unspecified = "THINKING_LEVEL_UNSPECIFIED"
        case minimal = "MINIMAL"
        case low = "LOW"
        case medium = "MEDIUM"
        case high = "HIGH"
    }

    /// A budget of 0 is off, -1 leaves it to the model.
    private mutating func readThinking(_ config: JSONObject) throws(FieldFault) {
        try config.forEachField { (name, value) throws(FieldFault) in
            switch name {
            case "includeThoughts": self.reasoning.includeText = try value.asBool()
            case "thinkingBudget": self.reasoning.budget = try value.asInteger(in: -1...Int.max)
            case "thinkingLevel":
                let level: ThinkingLevel = try value.asEnum()
                self.reasoning.level =
                    switch level {
                    case .unspecified: nil
                    case .minimal: .minimal
                    case .low: .low
                    case .medium: .medium
                    case .high: .high
                    }
            default: self.ignored.note(name, in: "thinkingConfig")
            }
        }
        if reasoning.level != nil, reasoning.budget != nil {
            throw FieldFault("holds both a level and a budget; send one of them")
        }
    }

    private static func imageConfig(_ config: JSONObject) throws(FieldFault) -> JSON {
        var known = JSONObject()
        try config.forEachField { (name, value) throws(FieldFault) in
            switch name {
            case "aspectRatio": try check(value, aspectRatios)
            case "imageSize": try check(value, imageSizes)
            default: break
            }
            known[name] = value
        }
        return .object(known)
    }

    private static func check(_ value: JSON, _ known: [String]) throws(FieldFault) {
        guard known.contains(try value.asString().uppercased()) else {
            throw FieldFault("must be one of \(known.joined(separator: ", "))")
        }
    }

    private static let aspectRatios = ["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"]
    private static let imageSizes = ["512", "1K", "2K", "4K"]

    // MARK: - Schemas

    private func finishOutput(of request: inout ModelRequest) throws(FieldFault) {
        if let responseSchema, responseJSONSchema != nil {
            throw FieldFault("stands beside 'responseJsonSchema'; send one of them").inside(responseSchema.field)
        }
        let schema = responseSchema ?? responseJSONSchema
        switch (mimeType, schema) {
        case (.choice?, let schema?):
            try Self.checkChoices(schema.schema, schema.field)
            request.extensions[GeminiForm.isChoice] = true
            request.output = .jsonSchema(name: "choice", schema: schema.schema, strict: false)
        case (.choice?, nil): throw FieldFault("is missing; 'text/x.enum' needs its values").inside("responseSchema")
        // A schema says by itself that JSON is wanted.
        case (_, let schema?): request.output = .jsonSchema(name: "response", schema: schema.schema, strict: false)
        case (.json?, nil): request.output = .json
        case (.text?, nil), (nil, nil): request.output = .text
        }
    }

    private static func checkChoices(_ schema: JSON, _ field: String) throws(FieldFault) {
        let values = schema["enum"]?.array ?? []
        guard !values.isEmpty, values.allSatisfy({ $0.string != nil }) else {
            throw FieldFault("must have an 'enum' of strings for 'text/x.enum'").inside(field)
        }
    }
}

/// What the encoders must know about the form of the request. Not named `gemini.*`, so that no provider sends one on.
enum GeminiForm {
    /// `alt=sse`, else the answer is streamed as an array.
    static let isEventStream = "frontend.event_stream"
    /// The answer is one of some values, without the quotes that the upstream's JSON has.
    static let isChoice = "frontend.choice"
}
