import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

@testable import PolluxApp

/// A host over real files, with its worker threads.
@Suite("Media over a restart")
struct StoredMediaTests {
    private let folder: TemporaryFolder
    private let image = MediaSamples.png(500_000)

    init() throws { folder = try TemporaryFolder() }

    private func host(_ media: String = "") async throws -> GatewayHost {
        let text = """
            state: {folder: "\(folder.path)"}
            keys: [{name: a, key: "a-client-key-of-the-test"}]
            \(media)
            """
        let settings = try SettingsText.settings(text).settings
        let invocation = Invocation(
            environment: [:], registry: .standard, console: Console { _, _ in }, arguments: [], values: [:])
        return try await GatewayHost.resuming(
            settings: settings, invocation: invocation, logsTo: .nowhere, time: ManualTime()
        ) { time, log throws(GatewayError) in try StateStore.open(settings.state, time: time, log: log) }
    }

    private func close(_ host: GatewayHost) async {
        await host.saveState()
        host.stop()
    }

    private func fetch(_ target: String, _ host: GatewayHost) async -> MemoryReply {
        let handler = GatewayHandler(host.gateway, worker: host.worker)
        return await GatewayClient(handler).get(target)
    }

    @Test("files stand in the state folder, and their links lead to them after a restart")
    func restart() async throws {
        let first = try await host()
        let media = first.gateway.media
        let writer = try await media.store.create(MediaDraft(owner: "a"))
        try await writer.write(image)
        let file = try await writer.finish()
        #expect(try folder.read("media/\(file.name)") == image)
        let target = media.links.target(of: file, now: first.gateway.time.wallNow)
        let before = await fetch(target, first)
        await close(first)
        let second = try await host()
        let after = await fetch(target, second)
        await close(second)
        #expect(before.status == 200 && before.body == image)
        #expect(after.status == 200 && after.body == image)
    }

    @Test("the service of each gateway brings the store to its settings")
    func sweeper() async throws {
        let first = try await host()
        let writer = try await first.gateway.media.store.create(MediaDraft(owner: "a"))
        try await writer.write(image)
        let file = try await writer.finish()
        let text = "media: {max_bytes: 1MiB, expire_after: 1h}\nkeys: [{name: a, key: \"a-client-key-of-the-test\"}]"
        let plan = try first.plan(try SettingsText.settings(text).settings)
        let service = try #require(plan.services.first { $0.name == "media" }?.service as? MediaSweeper)
        #expect(service.rules == MediaRules(maxBytes: 1 << 20, expireAfter: .seconds(3600)))
        let now = first.gateway.time.wallNow
        #expect(service.store.find(file.name, now: now)?.expiresAt == file.createdAt + .seconds(12 * 3600))
        await service.store.change(service.rules)
        #expect(service.store.find(file.name, now: now)?.expiresAt == file.createdAt + .seconds(3600))
        await close(first)
    }
}
