import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

/// A film takes minutes. Meanwhile the client must hear that somebody works for it, and then get a link that leads to
/// the film.
@Suite("A film in a streamed answer, by a clock that stands still", .serialized)
struct FilmTests {
    private let time = ManualTime()

    private static var registry: PluginRegistry {
        var registry = PluginRegistry.standard
        registry.register(provider: FilmProvider.self)
        return registry
    }

    private func setup(_ media: String) -> GatewaySetup {
        var setup = GatewaySetup()
        setup.local = nil
        setup.source = nil
        setup.moreProviders = "  - {name: studio, kind: film-of-the-test}"
        setup.topLevel = "retry: {max_retries: 0}\n\(media)"
        setup.registry = Self.registry
        return setup
    }

    private func filmed(
        _ target: String, _ body: String, media: String = "", keepAlive: String,
        _ check: @escaping @Sendable (TestGateway, String) throws -> Void
    ) async throws {
        try await TestGateway.with(setup(media), time: time) { [time] gateway in
            let client = try RawClient(port: gateway.port)
            try client.send(TestGateway.request("POST", target, body: body))
            var studio = await Studio(time)
            await studio.advance(to: .seconds(9))
            #expect(try !client.hasBytes(within: .zero), "an error could still be a status")
            await studio.advance(to: .seconds(10))
            #expect(try client.head().status == 200)
            #expect(try client.piece().map { String(decoding: $0, as: UTF8.self) } == keepAlive)
            for number in 1...3 {
                await studio.advance(to: .seconds(10 + 15 * number))
                #expect(try client.piece().map { String(decoding: $0, as: UTF8.self) } == keepAlive, "\(number)")
            }
            await studio.advance(to: FilmProvider.work)
            var rest: [UInt8] = []
            while let piece = try client.piece() { rest += piece }
            try check(gateway, String(decoding: rest, as: UTF8.self))
        }
    }

    /// Moves the clock beat by beat, as the provider tells that it lives.
    private struct Studio {
        private let time: ManualTime
        private let start: Instant
        private var beats = 0

        /// Suspends until the provider has begun to wait, and with it the clocks of the stream. Nobody else waits for a
        /// time of such a length.
        init(_ time: ManualTime) async {
            self.time = time
            start = time.now
            await time.untilSomeoneWaits(until: start + FilmProvider.beat)
        }

        /// - Parameter end: Since the start.
        mutating func advance(to end: Duration) async {
            while time.now < start + end {
                let beat = start + FilmProvider.beat * (beats + 1)
                let next = min(beat, start + end)
                time.advance(by: next - time.now)
                guard next == beat else { return }
                beats += 1
                if beats < FilmProvider.beats { await time.untilSomeoneWaits(until: next + FilmProvider.beat) }
            }
        }
    }

    private static func film(_ gateway: TestGateway, behind mark: String, in text: String) throws -> [UInt8] {
        let start = try #require(text.split(separator: mark, maxSplits: 1).last)
        let target = "/media/" + start.prefix { !"\"\\<>) \n".contains($0) }
        return try gateway.ask("GET", target, key: nil).body
    }

    @Test("OpenAI format: signs of life, then the bare link on a line of its own")
    func openAI() async throws {
        let body = TestGateway.chatBody("a film", model: "film", stream: true)
        try await filmed("/v1/chat/completions", body, keepAlive: ": keep-alive\n\n") { gateway, text in
            #expect(text.contains(#""content":"\n\nhttp://127.0.0.1/media/"#), "\(text)")
            #expect(text.hasSuffix("data: [DONE]\n\n"))
            let film = try Self.film(gateway, behind: "/media/", in: text)
            #expect(film == FilmProvider.film)
        }
    }

    @Test("OpenAI format: an element of a page where the operator wants that")
    func html() async throws {
        let body = TestGateway.chatBody("a film", model: "film", stream: true)
        try await filmed(
            "/v1/chat/completions", body, media: "media: {video_output: html}", keepAlive: ": keep-alive\n\n"
        ) { gateway, text in
            #expect(text.contains(#"<video controls src=\"http://127.0.0.1/media/"#), "\(text)")
            let film = try Self.film(gateway, behind: "/media/", in: text)
            #expect(film == FilmProvider.film)
        }
    }

    @Test("Gemini format: signs of life, then a part with the link")
    func gemini() async throws {
        let body = #"{"contents":[{"parts":[{"text":"a film"}]}]}"#
        try await filmed(
            "/v1beta/models/film:streamGenerateContent?alt=sse", body, keepAlive: "\n\n"
        ) { gateway, text in
            #expect(text.contains(#""fileData":{"mimeType":"video/mp4","fileUri":"http://127.0.0.1/media/"#), "\(text)")
            let film = try Self.film(gateway, behind: "/media/", in: text)
            #expect(film == FilmProvider.film)
        }
    }

    @Test("a film is fetched over a socket whole, in part, and not at all by HEAD, which tells its length")
    func fetching() async throws {
        try await TestGateway.with(setup("")) { gateway in
            let media = gateway.gateway.media
            let film = MediaSamples.mp4(3_000_000)
            let writer = try await media.store.create(MediaDraft(owner: "a"))
            try await writer.write(film)
            let target = media.links.target(of: try await writer.finish(), now: gateway.gateway.time.wallNow)
            let client = try RawClient(port: gateway.port)
            // One connection: what is sent too much or too little would spoil the next answer.
            for _ in 0..<2 {
                try client.send(TestGateway.request("HEAD", target, key: nil))
                let head = try client.reply(toHead: true)
                #expect(head.status == 200 && head.head["content-length"] == "3000000")
                try client.send(TestGateway.request("GET", target, key: nil))
                let whole = try client.reply()
                #expect(whole.head["content-length"] == "3000000" && whole.head["transfer-encoding"] == nil)
                #expect(whole.body == film && whole.fault == nil)
                try client.send(TestGateway.request("GET", target, key: nil, fields: ["Range: bytes=5-1000004"]))
                let part = try client.reply()
                #expect(part.status == 206 && part.head["content-length"] == "1000000")
                #expect(part.body == Array(film[5..<1_000_005]))
            }
        }
    }
}

/// Works for a minute, tells each five seconds that it lives, and has a film then.
private struct FilmProvider: Provider {
    static let kind: PluginKind = "film-of-the-test"
    static let beat = Duration.milliseconds(5003)
    static let beats = 12
    static let work = beat * beats
    static let film = MediaSamples.mp4(100_000)

    struct Settings: SettingsReadable { init(reading map: inout SettingsMap) {} }

    private let context: ProviderContext

    init(settings: Settings, context: ProviderContext) throws(GatewayError) { self.context = context }

    var ownCredentials: [Credential] { [Credential(accountID: "studio", values: [:])] }
    var offeredModels: [ModelInfo]? { [ModelInfo(id: "film", owner: "test")] }

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        EventStream(Source(context: context))
    }

    private struct Source: EventSource {
        let context: ProviderContext
        var beats = 0
        var rest: [ModelEvent] = []

        mutating func next() async throws(GatewayError) -> ModelEvent? {
            if beats == 0 {
                beats = 1
                return .started(responseID: "", model: "film")
            }
            if beats <= FilmProvider.beats {
                try await context.time.sleep(until: context.time.now + FilmProvider.beat)
                beats += 1
                if beats <= FilmProvider.beats { return .heartbeat }
                let writer = try await context.media.store.create(MediaDraft(owner: ""))
                try await writer.write(FilmProvider.film)
                rest = [
                    .media(Media(.video, mimeType: "video/mp4", .stored(try await writer.finish()))),
                    .finished(.stop), .ended,
                ]
            }
            return rest.isEmpty ? nil : rest.removeFirst()
        }
    }
}
