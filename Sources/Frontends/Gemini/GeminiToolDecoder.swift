import PolluxCore

/// Reads `tools` and `toolConfig` (Gemini format notes, section 3.1).
struct GeminiToolDecoder {
    private let ignored: Set<String>
    private var functions: [ToolSpec] = []
    private var names: Set<String> = []
    private var hosted: [HostedTool] = []
    private var mode: Mode?
    private var allowedNames: [String] = []
    private var extensions: [String: JSON] = [:]

    private enum Mode: String, CaseIterable {
        case unspecified = "MODE_UNSPECIFIED"
        case auto = "AUTO"
        case any = "ANY"
        case none = "NONE"
        case validated = "VALIDATED"
    }

    /// - Parameter ignored: Hosted tools that are dropped, by their camel-case names.
    init(ignoring ignored: Set<String>) { self.ignored = ignored }

    mutating func readTools(_ value: JSON) throws(FieldFault) {
        for (index, element) in value.elements.enumerated() {
            do {
                let tool = try element.asObject()
                try tool.forEachField { (name, value) throws(FieldFault) in try self.read(name, value) }
            } catch {
                throw error.inside(index)
            }
        }
    }

    /// A tool that nobody here knows is handed on like the known ones: an upstream that lacks it refuses, so that its
    /// absence is no surprise.
    private mutating func read(_ name: String, _ value: JSON) throws(FieldFault) {
        if name == "functionDeclarations" {
            for (index, element) in value.elements.enumerated() {
                do {
                    try readFunction(try element.asObject())
                } catch {
                    throw error.inside(index)
                }
            }
            return
        }
        guard !ignored.contains(name) else { return }
        switch name {
        case "googleSearch", "googleSearchRetrieval":
            hosted.append(.webSearch(options: .object(try value.asObject())))
        default: hosted.append(.other(name: name, value))
        }
    }

    /// `{name, description?, parameters? | parametersJsonSchema?}`; what the function answers is the client's business.
    private mutating func readFunction(_ object: JSONObject) throws(FieldFault) {
        var tool = ToolSpec(name: try object.require("name", JSON.asName))
        var schemaField: String?
        try object.forEachField { (name, value) throws(FieldFault) in
            switch name {
            case "description": tool.description = try value.asString()
            case "parameters", "parametersJsonSchema":
                if let schemaField { throw FieldFault("stands beside '\(schemaField)'; send one of them") }
                schemaField = name
                tool.schema =
                    name == "parameters" ? try OpenAPISchema.converted(value) : .object(try value.asObject())
            default: break
            }
        }
        guard names.insert(tool.name).inserted else {
            throw FieldFault("is '\(tool.name)', which another function is named already").inside("name")
        }
        functions.append(tool)
    }

    // MARK: - Choice

    /// `{functionCallingConfig: {mode, allowedFunctionNames}, …}`.
    mutating func readConfig(_ config: JSONObject) throws(FieldFault) {
        try config.forEachField { (name, value) throws(FieldFault) in
            guard name == "functionCallingConfig" else {
                self.extensions["gemini.toolConfig.\(name)"] = value
                return
            }
            try value.asObject().forEachField { (name, value) throws(FieldFault) in
                switch name {
                case "mode": self.mode = try value.asEnum()
                case "allowedFunctionNames": self.allowedNames = try value.asArray(of: JSON.asName)
                default: break
                }
            }
        }
    }

    func finish(into request: inout ModelRequest) throws(FieldFault) {
        request.tools = functions
        request.hostedTools = hosted
        request.extensions.merge(extensions) { _, new in new }
        if let unknown = allowedNames.first(where: { !names.contains($0) }) {
            throw Self.fault("names '\(unknown)', which is not among the functions", "allowedFunctionNames")
        }
        switch mode {
        case nil, .unspecified, .auto: request.toolChoice = allowedNames.isEmpty ? .auto : .mayCall(allowedNames)
        case .validated:
            request.toolChoice = allowedNames.isEmpty ? .auto : .mayCall(allowedNames)
            request.extensions["gemini.functionCallingMode"] = "VALIDATED"
        case .none?: request.toolChoice = .none
        case .any:
            guard !functions.isEmpty else { throw Self.fault("is 'ANY', but no functions were declared", "mode") }
            request.toolChoice = allowedNames.isEmpty ? .required : .mustCall(allowedNames)
        }
    }

    private static func fault(_ problem: String, _ field: String) -> FieldFault {
        FieldFault(problem).inside(field).inside("functionCallingConfig").inside("toolConfig")
    }
}
