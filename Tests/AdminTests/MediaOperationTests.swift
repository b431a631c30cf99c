import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@testable import PolluxAdmin

@Suite("Admin API: what models made")
struct MediaOperationTests {
    private let client = APIClient()

    private func put(_ name: String, after seconds: Int, life: Int? = nil, model: String = "") {
        let time = client.memory.time.wallNow + .seconds(seconds)
        let file = StoredMedia(
            name: name, mimeType: "image/png", byteCount: 10, createdAt: time,
            expiresAt: life.map { time + .seconds($0) }, draft: MediaDraft(owner: "", model: model))
        client.memory.state.withLock { $0.media.append(AdministeredMedia(file: file, url: "/media/\(name)")) }
    }

    private func names(_ json: JSON) -> [String] { json["items"]?.array?.compactMap { $0["name"]?.string } ?? [] }

    @Test("files are listed newest first, page by page, with what is known of each")
    func list() async throws {
        for number in 0..<5 { put("f\(number)", after: number) }
        put("rich", after: 9, life: 60, model: "gemini-imagen")
        let first = try await client.send(.get, "media?limit=4").json
        #expect(names(first) == ["rich", "f4", "f3", "f2"])
        let next = try #require(first["next"]?.string)
        #expect(names(try await client.send(.get, "media?limit=4&cursor=\(next)").json) == ["f1", "f0"])
        let rich = first["items"]?[0]
        #expect(rich?["url"]?.string == "/media/rich" && rich?["type"]?.string == "image/png")
        #expect(rich?["model"]?.string == "gemini-imagen" && rich?["bytes"]?.int == 10)
        #expect(rich?["expires_at"]?.string == "2026-01-01T00:01:09Z")
        #expect(first["items"]?[1]?["expires_at"] == nil && first["items"]?[1]?["prompt"] == nil)
    }

    @Test("one is deleted, and that is audited; an unknown one is a 404 with a code")
    func delete() async throws {
        put("f0", after: 0)
        #expect(try await client.send(.delete, "media/f0").status == 204)
        let audit = client.memory.state.withLock { $0.audit }
        #expect(audit.contains { $0.action == "media.delete" && $0.target == "f0" })
        let unknown = try await client.send(.delete, "media/f0").error
        #expect(unknown?.status == 404 && unknown?.code == "media_not_found")
    }

    @Test("a sweep deletes what has expired and nothing else")
    func sweep() async throws {
        put("old", after: -60, life: 60)
        put("new", after: 0, life: 60)
        put("forever", after: -9999)
        #expect(try await client.send(.post, "media/sweep").json == ["deleted": ["old"]])
        #expect(try await client.send(.post, "media/sweep").json == ["deleted": []])
        #expect(names(try await client.send(.get, "media").json) == ["new", "forever"])
    }
}
