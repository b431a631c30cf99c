import PolluxCore

/// Reads `tools` and `tool_choice`, and their older form `functions` and `function_call` (OpenAI format notes,
/// section 3.2).
struct ToolDecoder {
    private var tools: [ToolSpec] = []
    private var functions: [ToolSpec]?
    private var choice: (field: String, value: ToolChoice)?
    private var isParallel: Bool?

    /// - Returns: False when the field is none of these.
    mutating func read(_ key: String, _ value: JSON) throws(FieldFault) -> Bool {
        switch key {
        case "tools": tools = try value.asArray(of: JSON.asTool)
        case "tool_choice": choice = ("tool_choice", try value.asToolChoice())
        case "parallel_tool_calls": isParallel = try value.asBool()
        case "functions": functions = try value.asArray(of: JSON.asFunction)
        case "function_call":
            if choice == nil { choice = ("function_call", try value.asFunctionChoice()) }
        default: return false
        }
        return true
    }

    func finish(into request: inout ModelRequest) throws(FieldFault) {
        request.tools = tools
        request.parallelToolCalls = isParallel
        if tools.isEmpty, let functions, !functions.isEmpty {
            request.tools = functions
            request.extensions[ChatForm.functions] = true
            // That form has room for one call in an answer.
            request.parallelToolCalls = false
        }
        guard let choice else { return }
        try check(choice.value, field: choice.field, known: request.tools)
        request.toolChoice = choice.value
    }

    private func check(_ choice: ToolChoice, field: String, known tools: [ToolSpec]) throws(FieldFault) {
        switch choice {
        case .auto, .none: break
        case .required:
            if tools.isEmpty { throw FieldFault("is 'required', but no tools were sent").inside(field) }
        case .mustCall(let names), .mayCall(let names):
            if names.isEmpty { throw FieldFault("names no function").inside(field) }
            for name in names where !tools.contains(where: { $0.name == name }) {
                throw FieldFault("names the function '\(name)', which is not among the tools").inside(field)
            }
        }
    }
}

// MARK: - Specifications

extension JSON {
    /// `{type: "function", function: {…}}`.
    fileprivate func asTool() throws(FieldFault) -> ToolSpec {
        let tool = try asObject()
        let type = try tool.require("type", JSON.asString)
        guard type == "function" else {
            throw FieldFault("is '\(type.prefix(40))'; only 'function' tools are supported here").inside("type")
        }
        return try tool.require("function", JSON.asFunction)
    }

    /// `{name, description?, parameters?, strict?}`.
    fileprivate func asFunction() throws(FieldFault) -> ToolSpec {
        let function = try asObject()
        return ToolSpec(
            name: try function.require("name", JSON.asName),
            description: try function.optional("description", JSON.asString),
            schema: try function.optional("parameters", JSON.asObject).map(JSON.object),
            strict: try function.optional("strict", JSON.asBool))
    }
}

// MARK: - Choice

extension JSON {
    fileprivate func asToolChoice() throws(FieldFault) -> ToolChoice {
        switch self {
        case "none": return .none
        case "auto": return .auto
        case "required": return .required
        case .string: throw FieldFault("must be 'none', 'auto', 'required' or an object")
        case .object(let choice):
            switch try choice.require("type", JSON.asString) {
            case "function": return .mustCall([try asFunctionReference()])
            case "allowed_tools": return try choice.require("allowed_tools", JSON.asAllowedTools)
            default: throw FieldFault("must be 'function' or 'allowed_tools'").inside("type")
            }
        default: throw .wrongType(self, expected: "a string or an object")
        }
    }

    /// `{mode: auto | required, tools: [{type: function, function: {name}}]}`.
    private func asAllowedTools() throws(FieldFault) -> ToolChoice {
        let allowed = try asObject()
        let mode = try allowed.require("mode", JSON.asString)
        guard mode == "auto" || mode == "required" else {
            throw FieldFault("must be 'auto' or 'required'").inside("mode")
        }
        guard let tools = allowed.given("tools") else { throw .missing("tools") }
        do {
            let names = try tools.asArray(of: JSON.asFunctionReference)
            return mode == "required" ? .mustCall(names) : .mayCall(names)
        } catch {
            throw error.inside("tools")
        }
    }

    /// `{function: {name}}`.
    private func asFunctionReference() throws(FieldFault) -> String {
        try asObject().require("function", JSON.asFunctionName)
    }

    private func asFunctionName() throws(FieldFault) -> String { try asObject().require("name", JSON.asName) }

    /// The old form: `none`, `auto` or `{name}`.
    fileprivate func asFunctionChoice() throws(FieldFault) -> ToolChoice {
        switch self {
        case "none": return .none
        case "auto": return .auto
        case .object: return .mustCall([try asFunctionName()])
        default: throw FieldFault("must be 'none', 'auto' or an object with a name")
        }
    }
}
