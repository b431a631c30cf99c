import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: files that the model makes")
struct BusinessFileTests {
    private static let path = "projects/100/locations/global/collections/c/engines/e/sessions/1020"
    private static let png: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    /// An answer that names these files.
    private static func answer(_ ids: [String], type: String = "image/png") -> FakeResponse {
        let replies = ids.map { id -> JSON in
            ["groundedContent": ["content": ["file": ["fileId": .string(id), "mimeType": .string(type)]]]]
        }
        return FakeResponse(
            text: BusinessWorld.stream([["state": "IN_PROGRESS", "replies": .array(replies)], ["state": "SUCCEEDED"]]))
    }

    private static func list(_ ids: [String], type: String = "image/png") -> FakeResponse {
        let files = ids.map { id -> JSON in
            ["fileId": .string(id), "mimeType": .string(type), "session": .string(path), "byteSize": "8"]
        }
        let answer: JSON = ["listSessionFileMetadataResponse": ["fileMetadata": .array(files)]]
        return FakeResponse(text: answer.text)
    }

    private static func isDownload(_ request: UpstreamRequest) -> Bool { request.url.contains(":downloadFile?") }

    @Test("a file is looked up by the session's full path and fetched with the account's own token")
    func one() async throws {
        let world = try BusinessWorld(answer: Self.answer(["1"])) { request, _ in
            if Self.isDownload(request) { return FakeResponse(pieces: [Self.png]) }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" ? Self.list(["1"]) : nil
        }
        let events = try await world.events(.asking("draw", model: "gemini-imagen"))
        #expect(events.media == [Media(.image, mimeType: "image/png", .inline(Self.png))])
        #expect(events.finish == .stop)
        let listed = try JSON.parse(world.requests("widgetListSessionFileMetadata").first?.body ?? [])
        #expect(
            listed["listSessionFileMetadataRequest"] == [
                "name": .string(BusinessWorld.session), "filter": "file_origin_type = AI_GENERATED",
            ])
        let download = try #require(world.http.requests.first(where: Self.isDownload))
        #expect(
            download.url
                == "https://biz-discoveryengine.googleapis.com/v1alpha/\(Self.path):downloadFile?fileId=1&alt=media"
        )
        #expect(download.fields["authorization"]?.hasPrefix("Bearer ey") == true)
    }

    @Test("several files keep their order, and the list's type counts")
    func several() async throws {
        let world = try BusinessWorld(answer: Self.answer(["3", "1", "2"], type: "image/jpeg")) { request, _ in
            if Self.isDownload(request) {
                return FakeResponse(text: request.url.contains("fileId=3") ? "three" : "other")
            }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata"
                ? Self.list(["1", "2", "3"], type: "image/webp") : nil
        }
        let media = try await world.events().media
        #expect(media.map(\.mimeType) == ["image/webp", "image/webp", "image/webp"])
        #expect(media.first?.source == .inline(Array("three".utf8)))
    }

    @Test("redirects are followed on the same origin and nowhere else", arguments: [true, false])
    func redirects(isSame: Bool) async throws {
        let world = try BusinessWorld(answer: Self.answer(["1"])) { request, _ in
            if request.url.contains("/download/v1alpha/") { return FakeResponse(pieces: [Self.png]) }
            if Self.isDownload(request) {
                let target =
                    isSame
                    ? "/download/v1alpha/\(Self.path):downloadFile?fileId=1" : "https://other.example/download/v1alpha/"
                return FakeResponse(302, fields: ["location": target])
            }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" ? Self.list(["1"]) : nil
        }
        let found = await world.failure()
        #expect((found.error == nil) == isSame)
        #expect(!world.http.requests.contains { $0.url.contains("other.example") })
    }

    @Test("a file that is not ready is asked for again after one, two and four seconds, and the model never")
    func late() async throws {
        let world = try BusinessWorld(answer: Self.answer(["1"])) { request, _ in
            if Self.isDownload(request) { return BusinessWorld.error(404, "NOT_FOUND") }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" ? Self.list(["1"]) : nil
        }
        let start = world.time.now
        let found = await world.failure()
        #expect(found.error?.isFinal == true)
        #expect(found.events.endings == 0)
        #expect(world.http.requests.count(where: Self.isDownload) == 4)
        #expect(world.requests("widgetStreamAssist").count == 1)
        #expect(world.time.now - start >= .seconds(7))
    }

    @Test("what arrived stays while the rest is asked for again")
    func partly() async throws {
        let counter = Counter()
        let world = try BusinessWorld(answer: Self.answer(["1", "2"])) { request, _ in
            if Self.isDownload(request) {
                if request.url.contains("fileId=2"), counter.increment() == 1 { return FakeResponse(503, text: "") }
                return FakeResponse(pieces: [Self.png])
            }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" ? Self.list(["1", "2"]) : nil
        }
        #expect(try await world.events().media.count == 2)
        #expect(world.http.requests.count { $0.url.contains("fileId=1&") } == 1)
        #expect(world.http.requests.count { $0.url.contains("fileId=2&") } == 2)
    }

    @Test("an image that comes as Base64 is decoded")
    func base64() async throws {
        let bytes = Self.png + Array(repeating: 7, count: 10)
        let world = try BusinessWorld(answer: Self.answer(["1"])) { request, _ in
            if Self.isDownload(request) { return FakeResponse(text: Base64.encode(bytes)) }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" ? Self.list(["1"]) : nil
        }
        #expect(try await world.events().media.first?.source == .inline(bytes))
    }

    @Test("a film goes to the store, for the key that asked")
    func film() async throws {
        let world = try BusinessWorld(answer: Self.answer(["1"], type: "video/mp4")) { request, _ in
            if Self.isDownload(request) { return FakeResponse(pieces: [[1, 2], [3]]) }
            return BusinessWorld.step(of: request) == "widgetListSessionFileMetadata"
                ? Self.list(["1"], type: "video/mp4") : nil
        }
        var request = ModelRequest.asking("film it", model: "gemini-veo")
        request.client.keyID = "amber"
        let media = try await world.events(request).media
        let kept = try #require(world.store.files.first)
        #expect(media == [Media(.video, mimeType: "video/mp4", .stored(kept.file))])
        #expect(kept.bytes == [1, 2, 3])
        #expect(kept.file.draft == MediaDraft(owner: "amber", model: "gemini-veo"))
    }

    @Test(
        "names from the upstream that could lead elsewhere are not followed", arguments: ["a/../b", "/x", "a b", "x?y"])
    func strangePath(path: String) async throws {
        let entry: JSON = ["fileId": "1", "mimeType": "image/png", "session": .string(path)]
        let list: JSON = ["listSessionFileMetadataResponse": ["fileMetadata": [entry]]]
        let world = try BusinessWorld(answer: Self.answer(["1"])) { request, _ in
            BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" ? FakeResponse(text: list.text) : nil
        }
        #expect(await world.failure().error?.isFinal == true)
        #expect(!world.http.requests.contains(where: Self.isDownload))
    }

    @Test("a refused token is renewed once for the list and for the download")
    func refusedToken() async throws {
        let counter = Counter()
        let world = try BusinessWorld(answer: Self.answer(["1"])) { request, attempt in
            if Self.isDownload(request) {
                return counter.increment() == 1
                    ? BusinessWorld.error(401, "UNAUTHENTICATED") : FakeResponse(pieces: [Self.png])
            }
            guard BusinessWorld.step(of: request) == "widgetListSessionFileMetadata" else { return nil }
            return attempt == 1 ? BusinessWorld.error(401, "UNAUTHENTICATED") : Self.list(["1"])
        }
        #expect(try await world.events().media.count == 1)
        #expect(world.requests("getoxsrf").count == 3)
    }
}
