import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: models, their tools and what they cost")
struct BusinessModelTests {
    private func tools(_ request: ModelRequest, settings: (inout GeminiBusinessSettings) -> Void = { _ in })
        async throws
        -> String
    {
        let world = try BusinessWorld(settings: settings)
        _ = try await world.events(request)
        return try world.question()["streamAssistRequest"]?["toolsSpec"]?.text ?? ""
    }

    @Test(
        "each usual model switches on its own tools",
        arguments: [
            ("gemini-auto", #"{"toolRegistry":"default_tool_registry","webGroundingSpec":{}}"#),
            ("gemini-2.5-pro", #"{"toolRegistry":"default_tool_registry","webGroundingSpec":{}}"#),
            ("gemini-2.5-flash-image", #"{"toolRegistry":"default_tool_registry","imageGenerationSpec":{}}"#),
            ("gemini-3-pro-image-preview", #"{"toolRegistry":"default_tool_registry","imageGenerationSpec":{}}"#),
            ("gemini-imagen", #"{"imageGenerationSpec":{}}"#), ("nano-banana-2", #"{"imageGenerationSpec":{}}"#),
            ("gemini-veo", #"{"videoGenerationSpec":{}}"#), ("veo-3.1-lite-generate", #"{"videoGenerationSpec":{}}"#),
        ])
    func tools(model: String, spec: String) async throws {
        #expect(try await tools(.asking("Hi", model: model)) == spec)
    }

    @Test("an answer with an image is asked for by the image tool, whatever the model")
    func imageModality() async throws {
        var request = ModelRequest.asking("draw", model: "gemini-2.5-pro")
        request.modalities = [.text, .image]
        #expect(
            try await tools(request)
                == #"{"toolRegistry":"default_tool_registry","webGroundingSpec":{},"imageGenerationSpec":{}}"#)
    }

    @Test(
        "a question costs the allowance of its tool",
        arguments: [
            ("gemini-auto", QuotaClass.text), ("gemini-imagen", .images), ("gemini-3.1-flash-image", .images),
            ("gemini-2.5-flash-image", .images), ("gemini-veo", .videos), ("never-heard-of", .text),
        ])
    func quotaClasses(model: String, quotaClass: QuotaClass) throws {
        let provider = try BusinessWorld().provider
        #expect(provider.quotaClass(of: .asking("Hi", model: model)) == quotaClass)
    }

    @Test("the usual models and their other names are offered, with what they can do")
    func offered() throws {
        let models = try BusinessWorld().provider.offeredModels ?? []
        #expect(
            models.map(\.id) == [
                "gemini-auto", "gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3-pro-preview",
                "gemini-3.0-pro", "gemini-3.1-pro-preview", "gemini-2.5-flash-image", "gemini-3-pro-image-preview",
                "gemini-imagen", "nano-banana-2", "gemini-3.1-flash-image", "gemini-veo", "veo-3.1-lite-generate",
            ])
        let able = Dictionary(models.map { ($0.id, $0.capabilities) }, uniquingKeysWith: { first, _ in first })
        #expect(able["gemini-auto"] == [.chat, .mediaInput, .tools, .structuredOutput])
        #expect(able["gemini-2.5-flash-image"] == [.chat, .mediaInput, .tools, .structuredOutput, .imageOutput])
        #expect(able["gemini-imagen"] == [.chat, .mediaInput, .imageOutput])
        #expect(able["gemini-veo"] == [.chat, .mediaInput])
    }

    @Test("settings list other models, their tools and names")
    func ownModels() async throws {
        let own = BusinessModel(
            id: "fast", upstreamID: "x", tools: [.web, .image, .video], namesRegistry: false, aliases: ["faster"])
        let world = try BusinessWorld(settings: { $0.models = [own] })
        #expect(world.provider.offeredModels?.map(\.id) == ["fast", "faster"])
        _ = try await world.events(.asking("Hi", model: "faster"))
        let question = try world.question()["streamAssistRequest"]
        #expect(question?["assistGenerationConfig"] == ["modelId": "x"])
        let spec = question?["toolsSpec"]?.text
        #expect(spec == #"{"webGroundingSpec":{},"imageGenerationSpec":{},"videoGenerationSpec":{}}"#)
    }

    @Test("endings offer a model with another tool, but never hide a name of the list")
    func suffixes() async throws {
        let change = { (settings: inout GeminiBusinessSettings) in
            settings.models = [
                BusinessModel(id: "a", upstreamID: "a"), BusinessModel(id: "a-image", upstreamID: "own"),
                BusinessModel(id: "maker", upstreamID: nil, tools: [.image], namesRegistry: false),
            ]
            settings.suffixes = [.web: "-search", .image: "-image"]
            settings.webGrounding = false
        }
        let world = try BusinessWorld(settings: change)
        #expect(
            world.provider.offeredModels?.map(\.id)
                == ["a", "a-image", "maker", "a-search", "a-image-search", "a-image-image"])
        #expect(
            try await tools(.asking("Hi", model: "a-search"), settings: change)
                == #"{"toolRegistry":"default_tool_registry","webGroundingSpec":{}}"#)
        #expect(
            try await tools(.asking("Hi", model: "a-image"), settings: change)
                == #"{"toolRegistry":"default_tool_registry"}"#)
    }
}
