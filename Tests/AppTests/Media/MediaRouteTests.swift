import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Fetching stored media")
struct MediaRouteTests {
    private let world: GatewayWorld
    private let image = MediaSamples.png(300_000)

    init() throws {
        world = try GatewayWorld(
            """
            server: {path_prefix: team}
            media: {expire_after: 1h}
            cors: {allowed_origins: ["https://chat.example.org"]}
            keys: [{name: a, key: "a-client-key-of-the-test"}]
            providers: [{name: up, kind: openai-compatible, base_url: "https://up.test/v1", models: [m-1]}]
            """)
    }

    private var media: GatewayMedia { world.gateway.media }

    private func put(_ bytes: [UInt8]) async throws -> StoredMedia {
        let writer = try await media.store.create(MediaDraft(owner: "a"))
        try await writer.write(bytes)
        return try await writer.finish()
    }

    private func link(_ file: StoredMedia) -> String { media.links.target(of: file, now: world.time.wallNow) }

    private func send(
        _ target: String, _ method: HTTPMethod = .get, _ fields: HTTPFields = [:]
    ) async -> MemoryReply {
        let handler = GatewayHandler(world.gateway, worker: globalConcurrentExecutor)
        return await GatewayClient(handler).send(method, target, fields: fields)
    }

    @Test("needs its link and no key, here and below the prefix", arguments: ["", "/team"])
    func whole(prefix: String) async throws {
        let file = try await put(image)
        let reply = await send(prefix + link(file))
        #expect(reply.status == 200 && reply.end == .whole)
        #expect(reply.body == image)
        #expect(reply.pieces.count > 1, "in pieces, so that no film stands in memory")
        let expected = [
            "content-type": "image/png", "etag": "\"\(file.name)\"", "accept-ranges": "bytes",
            "cache-control": "private, max-age=3600, immutable",
            "content-disposition": "inline; filename=\"\(file.name)\"", "x-content-type-options": "nosniff",
            "content-security-policy": "sandbox; default-src 'none'",
        ]
        for (name, value) in expected { #expect(reply.fields.values(of: name) == [value], "\(name)") }
        #expect(reply.fields["x-request-id"] != nil)
    }

    @Test("gives HEAD the same head and no byte")
    func head() async throws {
        let file = try await put(image)
        let reply = await send(link(file), .head)
        #expect(reply.status == 200 && reply.body.isEmpty && reply.fields["etag"] == "\"\(file.name)\"")
    }

    @Test("gives one range as 206, and 416 behind the end")
    func ranges() async throws {
        let file = try await put(image)
        let part = await send(link(file), .get, ["range": "bytes=1000-200999"])
        #expect(part.status == 206 && part.body == Array(image[1000..<201_000]))
        #expect(part.fields["content-range"] == "bytes 1000-200999/300000")
        let last = await send(link(file), .get, ["range": "bytes=-5"])
        #expect(last.status == 206 && last.body == Array(image.suffix(5)))
        let behind = await send(link(file), .get, ["range": "bytes=300000-"])
        #expect(behind.status == 416 && behind.fields["content-range"] == "bytes */300000" && behind.body.isEmpty)
        let other = await send(link(file), .get, ["range": "bytes=0-1", "if-range": "\"another\""])
        #expect(other.status == 200 && other.body == image)
        let same = await send(link(file), .get, ["range": "bytes=0-1", "if-range": "\"\(file.name)\""])
        #expect(same.status == 206 && same.body.count == 2)
    }

    @Test("answers 304 to who has it already")
    func notModified() async throws {
        let file = try await put(image)
        let reply = await send(link(file), .get, ["if-none-match": "\"x\", \"\(file.name)\""])
        #expect(reply.status == 304 && reply.body.isEmpty)
    }

    @Test("answers the same 404 to a forged link, an unknown name, an expired link, and a file that is gone")
    func refusals() async throws {
        let (file, gone) = (try await put(image), try await put(image))
        let (target, goneTarget) = (link(file), link(gone))
        #expect(await media.store.remove(gone.name))
        let bad = [
            "/media/\(file.name)", target + "x", goneTarget, "/media/", "/media/x", "/media/..%2f..%2fetc%2fpasswd",
            "/media/abcdefghijklmnopqrstuv.png?exp=9999999999&sig=AAAAAAAAAAAAAAAAAAAAAA", "/team/media/\(file.name)",
        ]
        var texts: Set<String> = []
        for path in bad {
            let reply = await send(path)
            #expect(reply.status == 404, "\(path)")
            texts.insert(reply.text)
        }
        world.time.advance(by: .seconds(3600))
        let expired = await send(target)
        #expect(expired.status == 404)
        texts.insert(expired.text)
        #expect(texts.count == 1, "nothing tells them apart: \(texts)")
    }

    @Test("takes GET and HEAD alone, and lets allowed pages of other origins fetch")
    func methods() async throws {
        let file = try await put(image)
        for method: HTTPMethod in [.post, .put, .delete] {
            let reply = await send(link(file), method)
            #expect(reply.status == 405 && reply.fields["allow"] == "GET, HEAD")
        }
        let origin: HTTPFields = ["origin": "https://chat.example.org"]
        let fetched = await send(link(file), .get, origin)
        #expect(fetched.fields["access-control-allow-origin"] == "https://chat.example.org")
        let asked = await send(link(file), .options, origin)
        #expect(asked.status == 204 && asked.fields["access-control-allow-methods"] == "GET, HEAD")
    }

    @Test("is counted by /health and shown by the metrics")
    func figures() async throws {
        _ = try await put(image)
        #expect(await send("/health").json?["images"]?.int == 1)
        let text = String(decoding: MetricsReport(world.gateway, ProcessFigures()).bytes, as: UTF8.self)
        #expect(text.contains("\npollux_media_files 1\n") && text.contains("\npollux_media_bytes 300000\n"))
    }

    @Test("keeps files and links over a reload")
    func reload() async throws {
        let file = try await put(image)
        let target = link(file)
        let next = try GatewayWorld(
            "media: {expire_after: 2h}\nkeys: [{name: a, key: \"a-client-key-of-the-test\"}]", after: world.gateway)
        let handler = GatewayHandler(next.gateway, worker: globalConcurrentExecutor)
        let reply = await GatewayClient(handler).get(target)
        #expect(reply.status == 200 && reply.body == image)
        let sweeper = MediaSweeper(
            store: next.gateway.media.store, rules: MediaRules(maxBytes: 1000, expireAfter: nil), time: HurriedOnce(),
            log: .silent)
        _ = try? await sweeper.run()
        #expect(next.gateway.media.store.list(now: world.time.wallNow).isEmpty)
    }

    /// A clock on which a service ends when it goes to sleep.
    private struct HurriedOnce: TimeSource {
        let now = Instant(microseconds: 0)
        let wallNow = WallTime(seconds: 1_767_225_600)
        func sleep(until deadline: Instant) async throws(GatewayError) { throw .cancelled }
    }
}
