import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("The form in which a client gets what a model made")
struct MediaFormTests {
    private static let openAI = MediaPreference()
    private static let gemini = MediaPreference(
        output: .base64, mostInlineBytes: 1000, hasMediaParts: true, mostInlineFilmBytes: 2000)

    private func way(
        _ kind: Media.Kind, _ preference: MediaPreference, asked: MediaOutput? = nil, output: MediaOutput = .url,
        video: VideoOutput = .url, bytes: Int? = 10
    ) -> MediaForm.Way {
        MediaForm(asked: asked, preference: preference, output: output, videoOutput: video)
            .way(kind, byteCount: bytes)
    }

    @Test("images: as the request says, else as the format takes them, else as the operator chose")
    func images() {
        #expect(way(.image, Self.openAI) == .link(.part))
        #expect(way(.image, Self.openAI, output: .base64) == .inline)
        #expect(way(.image, Self.openAI, output: .markdown) == .link(.markdown))
        #expect(way(.image, Self.openAI, asked: .base64, output: .markdown) == .inline)
        #expect(way(.image, Self.openAI, asked: .url, output: .base64) == .link(.part))
        #expect(way(.image, Self.gemini, output: .url) == .inline)
        #expect(way(.image, Self.gemini, output: .markdown) == .inline)
        #expect(way(.image, Self.gemini, asked: .url) == .link(.part))
        #expect(way(.image, Self.gemini, asked: .markdown) == .link(.markdown))
    }

    @Test("images that are too large for a line go by link, whatever was asked for")
    func large() {
        #expect(way(.image, Self.gemini, bytes: 1000) == .inline)
        #expect(way(.image, Self.gemini, bytes: 1001) == .link(.part))
        #expect(way(.image, Self.gemini, asked: .base64, bytes: 1001) == .link(.part))
    }

    @Test("films: never within an answer of a format without a field for them")
    func filmsInText() {
        for asked: MediaOutput? in [nil, .base64] {
            #expect(way(.video, Self.openAI, asked: asked) == .link(.link))
            #expect(way(.video, Self.openAI, asked: asked, video: .html) == .link(.html))
            #expect(way(.video, Self.openAI, asked: asked, video: .markdown) == .link(.markdown))
        }
        #expect(way(.audio, Self.openAI, video: .html) == .link(.html))
        #expect(way(.video, Self.openAI, asked: .markdown, video: .html) == .link(.markdown))
        #expect(way(.video, Self.openAI, asked: .url, video: .html) == .link(.link))
    }

    @Test("films: by link where there is a field, within the answer only if asked for and small")
    func filmsInParts() {
        #expect(way(.video, Self.gemini) == .link(.part))
        #expect(way(.video, Self.gemini, asked: .base64, bytes: 2000) == .inline)
        #expect(way(.video, Self.gemini, asked: .base64, bytes: 2001) == .link(.part))
        #expect(way(.video, Self.gemini, asked: .base64, bytes: nil) == .link(.part))
        #expect(way(.audio, Self.gemini) == .inline)
    }
}

@Suite("Delivery of what a model made")
struct MediaDeliveryTests {
    private let time = ManualTime()
    private let log = RecordedLog()
    private let store: any MediaKeeping
    private let image = MediaSamples.png(3000)
    private let film = MediaSamples.mp4(5000)

    init() { store = MemoryMediaStore(MediaRules(maxBytes: 10_000, expireAfter: .seconds(60)), time: time) }

    private func media(_ store: any MediaKeeping) throws -> GatewayMedia {
        let settings = try SettingsText.settings("keys: [{name: a, key: \"a-client-key-of-the-test\"}]").settings.media
        var environment = GatewayEnvironment(time: time, random: SeededRandom(seed: 1), log: .silent)
        environment.mediaStore = store
        return GatewayMedia(
            settings, environment, GatewayMetrics(startedAt: time.wallNow), after: nil)
    }

    private func stored(_ bytes: [UInt8]) async throws -> StoredMedia {
        let writer = try await store.create(MediaDraft(owner: "a"))
        try await writer.write(bytes)
        return try await writer.finish()
    }

    private func delivered(_ media: Media, asked: MediaOutput?, to other: (any MediaKeeping)? = nil) async throws
        -> Media
    {
        let sink = WholeAnswerSink()
        let form = MediaForm(
            asked: asked, preference: MediaPreference(mostInlineBytes: 4000), output: .url, videoOutput: .html)
        let delivery = MediaDelivery(
            sink, form, try self.media(other ?? store), address: { "https://ai.example.org" },
            draft: MediaDraft(owner: "a", model: "m"), time: time, log: log.logger)
        try await delivery.take(.textDelta("Here: "), more: true)
        try await delivery.take(.media(media), more: false)
        let parts = try #require(sink.response.candidates.first).parts
        #expect(parts.count == 2 && parts[0] == .text("Here: "))
        guard case .media(let media) = parts[1].content else { throw GatewayError.cancelled }
        return media
    }

    private func link(_ media: Media) throws -> (name: String, url: String) {
        guard case .url(let url) = media.source else {
            Issue.record("no link: \(media.source)")
            throw GatewayError.cancelled
        }
        let name = try #require(url.split(separator: "/").last?.split(separator: "?").first)
        return (String(name), url)
    }

    @Test("an image in the answer is stored, and a link takes its place")
    func stores() async throws {
        let media = try await delivered(Media(.image, mimeType: "image/x-lies", .inline(image)), asked: nil)
        let (name, url) = try link(media)
        #expect(url.hasPrefix("https://ai.example.org/media/") && media.presentation == .part)
        #expect(media.mimeType == "image/png", "by its bytes")
        let file = try #require(store.find(name, now: time.wallNow))
        #expect(file.draft == MediaDraft(owner: "a", model: "m"))
        let reader = try await store.open(name, now: time.wallNow)
        #expect(try await reader?.read(from: 0, upTo: 9999) == image)
    }

    @Test("an image stays as it is when bytes are wanted")
    func inline() async throws {
        let made = Media(.image, mimeType: "image/png", .inline(image))
        #expect(try await delivered(made, asked: .base64) == made)
        #expect(store.figures.files == 0)
    }

    @Test("a stored image is read back when bytes are wanted, unless it is too large or gone")
    func readsBack() async throws {
        let file = try await stored(image)
        let made = Media(.image, mimeType: "", .stored(file))
        let whole = try await delivered(made, asked: .base64)
        #expect(whole.source == .inline(image) && whole.mimeType == "image/png")
        let large = Media(.image, mimeType: "", .stored(try await stored(MediaSamples.png(4001))))
        #expect(try link(try await delivered(large, asked: .base64)).url.contains("/media/"))
        #expect(await store.remove(file.name))
        #expect(try link(try await delivered(made, asked: .base64)).name == file.name)
    }

    @Test("a stored film is a link in the form of the operator")
    func films() async throws {
        let file = try await stored(film)
        let media = try await delivered(Media(.video, mimeType: "video/mp4", .stored(file)), asked: .base64)
        #expect(try link(media).name == file.name)
        #expect(media.presentation == .html)
    }

    @Test("an upstream's own link is handed on, in the text where that is wanted")
    func upstreamLinks() async throws {
        let made = Media(.image, mimeType: "image/png", .url("https://img.test/1.png"))
        #expect(try await delivered(made, asked: nil) == made)
        #expect(try await delivered(made, asked: .base64) == made)
        var inText = made
        inText.presentation = .markdown
        #expect(try await delivered(made, asked: .markdown) == inText)
    }

    @Test("what the store does not take goes out as it came, and the log says why")
    func storeFails() async throws {
        let broken = MemoryMediaStore(MediaRules(maxBytes: 100, expireAfter: nil), time: time)
        let made = Media(.image, mimeType: "image/png", .inline(image))
        #expect(try await delivered(made, asked: .url, to: broken) == made)
        #expect(log.text.contains("media.max_bytes"))
        let unknown = Media(.image, mimeType: "image/svg+xml", .inline(Array("<svg/>".utf8)))
        #expect(try await delivered(unknown, asked: .url) == unknown)
    }
}

/// From an upstream's image to the client's bytes, in both formats.
@Suite("Images in answers, through a whole gateway")
struct DeliveredImageTests {
    private let image = MediaSamples.png(3000)
    private static let key = "a-client-key-of-the-test"

    private func handler(_ more: String = "", answers: Int = 1) throws -> (GatewayWorld, GatewayClient) {
        let event: JSON = [
            "choices": [
                [
                    "delta": [
                        "content": "Here:",
                        "images": [
                            [
                                "type": "image_url",
                                "image_url": ["url": .string("data:image/png;base64,\(Base64.encode(image))")],
                            ]
                        ],
                    ]
                ]
            ]
        ]
        let end = #"data: {"choices":[{"delta":{},"finish_reason":"stop"}]}"# + "\n\ndata: [DONE]\n\n"
        let response = FakeResponse(text: "data: \(event.text)\n\n\(end)")
        let world = try GatewayWorld(
            """
            keys: [{name: a, key: "\(Self.key)"}]
            providers:
              - {name: up, kind: openai-compatible, base_url: "https://up.test/v1", api_keys: [k], models: [m-1]}
            \(more)
            """, answers: Array(repeating: response, count: answers))
        let handler = GatewayHandler(world.gateway, worker: globalConcurrentExecutor)
        return (world, GatewayClient(handler, key: Self.key))
    }

    private static let question: JSON = ["model": "m-1", "messages": [["role": "user", "content": "Draw"]]]
    private static let content: JSON = ["contents": [["parts": [["text": "Draw"]]]]]

    private func fetch(_ url: String, _ client: GatewayClient) async throws -> [UInt8] {
        let target = try #require(url.split(separator: "http://127.0.0.1", maxSplits: 1).last)
        return await client.get(String(target)).body
    }

    @Test("OpenAI format: a link by default, which leads to the bytes")
    func openAILink() async throws {
        let (_, client) = try handler()
        let reply = await client.post("/v1/chat/completions", Self.question)
        let message = reply.json?["choices"]?[0]?["message"]
        #expect(message?["content"]?.string == "Here:")
        let url = try #require(message?["images"]?[0]?["image_url"]?["url"]?.string)
        #expect(try await fetch(url, client) == image)
    }

    @Test("OpenAI format: bytes or Markdown by setting, by header, by field, streamed or not")
    func openAIForms() async throws {
        for stream in [false, true] {
            for (settings, header, field) in [
                ("media: {output: base64}", nil, nil), ("", "base64", nil), ("", nil, "base64"),
                ("media: {output: markdown}", "base64", "url"),
            ] as [(String, String?, String?)] {
                let (_, client) = try handler(settings)
                let reply = await post(client, stream, header, field)
                #expect(reply.text.contains("data:image/png;base64,\(Base64.encode(image))"), "\(settings)")
            }
            let (world, client) = try handler()
            let reply = await post(client, stream, "markdown", nil)
            #expect(reply.text.contains("![image](http://127.0.0.1/media/") && !reply.text.contains("\"images\""))
            #expect(world.gateway.media.store.figures.files == 1)
        }
    }

    private func post(
        _ client: GatewayClient, _ stream: Bool, _ header: String?, _ field: String?
    ) async -> MemoryReply {
        var body = Self.question.object ?? JSONObject()
        body["stream"] = .bool(stream)
        if let field { body["media_output"] = .string(field) }
        var fields: HTTPFields = ["content-type": "application/json"]
        if let header { fields.append("x-pollux-media-output", header) }
        return await client.send(.post, "/v1/chat/completions", fields: fields, body: JSON.object(body).bytes())
    }

    @Test("a wish that nobody knows is a 400 that names the field", arguments: [true, false])
    func badWish(inHeader: Bool) async throws {
        let (_, client) = try handler()
        let reply = await post(client, false, inHeader ? "png" : nil, inHeader ? nil : "png")
        #expect(reply.status == 400)
        #expect(
            reply.json?["error"]?["param"]?.string == (inHeader ? "x-pollux-media-output" : "media_output"))
        let body: JSON = ["contents": [["parts": [["text": "Draw"]]]], "mediaOutput": "png"]
        let gemini = await client.post("/v1beta/models/m-1:generateContent", body)
        #expect(gemini.status == 400 && gemini.text.contains("'png'") == false && gemini.text.contains("mediaOutput"))
    }

    @Test("Gemini format: bytes by default, whatever the operator chose for the other format")
    func geminiBytes() async throws {
        for path in [":generateContent", ":streamGenerateContent?alt=sse"] {
            let (world, client) = try handler("media: {output: markdown}")
            let reply = await client.post("/v1beta/models/m-1\(path)", Self.content)
            #expect(
                reply.text.contains("\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"\(Base64.encode(image))\""))
            #expect(world.gateway.media.store.figures.files == 0)
        }
    }

    @Test("Gemini format: a link if asked for, and for an image too large for a line of a stream")
    func geminiLinks() async throws {
        let frontends = "frontends: [{kind: gemini, max_inline_image_bytes: 2999B}]"
        let (_, client) = try handler(frontends, answers: 3)
        let streamed = await client.post("/v1beta/models/m-1:streamGenerateContent?alt=sse", Self.content)
        #expect(
            streamed.text.contains("\"fileData\":{\"mimeType\":\"image/png\",\"fileUri\":\"http://127.0.0.1/media/"))
        let whole = await client.post("/v1beta/models/m-1:generateContent", Self.content)
        #expect(whole.text.contains("inlineData"), "whole answers have no lines")
        let asked = await client.send(
            .post, "/v1beta/models/m-1:generateContent",
            fields: ["content-type": "application/json", "x-pollux-media-output": "url"], body: Self.content.bytes())
        let part = asked.json?["candidates"]?[0]?["content"]?["parts"]?[1]?["fileData"]
        #expect(try await fetch(try #require(part?["fileUri"]?.string), client) == image)
    }
}
