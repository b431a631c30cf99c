public import PolluxCore

/// A tool of the upstream that an answer may use.
public enum BusinessTool: String, Sendable, CaseIterable {
    case web, image, video

    /// Its member of `toolsSpec`, whose presence switches it on.
    var member: String {
        switch self {
        case .web: "webGroundingSpec"
        case .image: "imageGenerationSpec"
        case .video: "videoGenerationSpec"
        }
    }
}

/// A model that the provider offers.
///
/// Source: Gemini Business protocol notes, section 5.2. The names age, so the list is a setting.
public struct BusinessModel: SettingsReadable, Equatable {
    /// As clients name it.
    public var id: String
    /// As the upstream names it; `nil` leaves the choice to the upstream.
    public var upstreamID: String?
    /// `nil` is web search where `web_grounding` allows it.
    public var tools: Set<BusinessTool>?
    /// Whether the upstream's usual tools are named as well; without them, a model can do nothing but use its own.
    public var namesRegistry: Bool
    public var aliases: [String]

    public init(
        id: String, upstreamID: String?, tools: Set<BusinessTool>? = nil, namesRegistry: Bool = true,
        aliases: [String] = []
    ) {
        (self.id, self.upstreamID, self.tools) = (id, upstreamID, tools)
        (self.namesRegistry, self.aliases) = (namesRegistry, aliases)
    }

    public init(reading map: inout SettingsMap) {
        id = map.requireString("id", example: "gemini-2.5-pro", help: "the model's name for clients")
        let named = map.optionalString(
            "model_id", example: "gemini-2.5-pro",
            help: "the model's name at the upstream; left out, the same; auto lets the upstream choose")
        upstreamID = named == Self.automatic ? nil : named ?? id
        let words = map.stringList(
            "tools", help: "web, image, video: tools of the upstream; left out, web unless web_grounding is off")
        tools = words.isEmpty && !map.contains("tools") ? nil : Set(words.compactMap(BusinessTool.init))
        for word in words where BusinessTool(rawValue: word) == nil {
            map.issue(at: "tools", "\"\(word)\" is no tool of the upstream; use web, image or video")
        }
        namesRegistry = map.boolean(
            "tool_registry", default: true, help: "name the upstream's usual tools too; off for makers of images alone")
        aliases = map.stringList("aliases", help: "further names for clients")
    }

    private static let automatic = "auto"

    static let standard: [BusinessModel] =
        [BusinessModel(id: "gemini-auto", upstreamID: nil)]
        + ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview"].map { BusinessModel(id: $0, upstreamID: $0) }
        // The name by which users of an older gateway know the same model.
        + [BusinessModel(id: "gemini-3-pro-preview", upstreamID: "gemini-3-pro-preview", aliases: ["gemini-3.0-pro"])]
        + [BusinessModel(id: "gemini-3.1-pro-preview", upstreamID: "gemini-3.1-pro-preview")]
        + [
            BusinessModel(id: "gemini-2.5-flash-image", upstreamID: "gemini-2.5-flash", tools: [.image]),
            BusinessModel(id: "gemini-3-pro-image-preview", upstreamID: "gemini-3-pro-preview", tools: [.image]),
            BusinessModel(
                id: "gemini-imagen", upstreamID: nil, tools: [.image], namesRegistry: false,
                aliases: ["nano-banana-2", "gemini-3.1-flash-image"]),
            BusinessModel(
                id: "gemini-veo", upstreamID: nil, tools: [.video], namesRegistry: false,
                aliases: ["veo-3.1-lite-generate"]),
        ]
}

/// Names of models, and what they stand for.
struct BusinessModelTable: Sendable {
    private let choices: [String: BusinessModelChoice]
    private let webGrounding: Bool
    let offered: [ModelInfo]

    init(_ settings: GeminiBusinessSettings) {
        webGrounding = settings.webGrounding
        var choices: [String: BusinessModelChoice] = [:]
        var offered: [ModelInfo] = []
        let offer = { (name: String, choice: BusinessModelChoice) in
            guard choices[name] == nil else { return }
            choices[name] = choice
            offered.append(ModelInfo(id: name, owner: "google", capabilities: choice.capabilities))
        }
        for model in settings.models {
            let choice = BusinessModelChoice(model, webGrounding: settings.webGrounding)
            for name in [model.id] + model.aliases { offer(name, choice) }
        }
        // What the list itself names is never hidden by a suffix.
        for tool in BusinessTool.allCases {
            guard let suffix = settings.suffixes[tool] else { continue }
            for model in settings.models where model.namesRegistry {
                offer(model.id + suffix, BusinessModelChoice(upstreamID: model.upstreamID, tools: [tool]))
            }
        }
        (self.choices, self.offered) = (choices, offered)
    }

    /// What to ask the upstream for. A name that is not listed goes to it as it is: a route may name what the list does
    /// not know yet.
    func choice(for request: ModelRequest) -> BusinessModelChoice {
        let name = request.resolvedModel
        var choice =
            choices[name]
            ?? BusinessModelChoice(BusinessModel(id: name, upstreamID: name), webGrounding: webGrounding)
        if request.hostedTools.contains(where: { if case .webSearch = $0 { true } else { false } }) {
            choice.tools.insert(.web)
        }
        if request.modalities.contains(.image) { choice.tools.insert(.image) }
        return choice
    }
}

/// What a question asks the upstream for.
struct BusinessModelChoice: Sendable, Equatable {
    var upstreamID: String?
    var tools: Set<BusinessTool>
    var namesRegistry = true

    init(upstreamID: String?, tools: Set<BusinessTool>) { (self.upstreamID, self.tools) = (upstreamID, tools) }

    init(_ model: BusinessModel, webGrounding: Bool) {
        upstreamID = model.upstreamID
        tools = model.tools ?? (webGrounding ? [.web] : [])
        namesRegistry = model.namesRegistry
    }

    /// The upstream does not say which allowance a question spends; this is the gateway's own bookkeeping (protocol
    /// notes, section 10).
    var quotaClass: QuotaClass {
        if tools.contains(.image) { return .images }
        return tools.contains(.video) ? .videos : .text
    }

    /// A maker of images or films alone takes no part in conventions that are written into a prompt.
    var capabilities: ModelInfo.Capabilities {
        var able: ModelInfo.Capabilities = [.chat, .mediaInput]
        if namesRegistry { able.formUnion([.tools, .structuredOutput]) }
        if tools.contains(.image) { able.insert(.imageOutput) }
        return able
    }

    var toolsSpec: JSON {
        var spec = JSONObject()
        if namesRegistry { spec["toolRegistry"] = "default_tool_registry" }
        for tool in BusinessTool.allCases where tools.contains(tool) { spec[tool.member] = [:] }
        return .object(spec)
    }
}
