import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Gemini Business: files that go along with a question")
struct BusinessUploadTests {
    private func request(_ media: Media...) -> ModelRequest {
        var request = ModelRequest.asking("See")
        request.turns = [Turn(.user, [.text("See")] + media.map { Part(.media($0)) })]
        return request
    }

    private func png(_ byte: UInt8, name: String? = nil) -> Media {
        Media(.image, mimeType: "image/png", .inline([0x89, byte]), displayName: name)
    }

    private func uploads(_ world: BusinessWorld) throws -> [JSON] {
        try world.requests("widgetAddContextFile").map { request in
            try JSON.parse(request.body ?? [])["addContextFileRequest"] ?? .null
        }
    }

    private func fileIDs(_ world: BusinessWorld) throws -> JSON? {
        try world.question()["streamAssistRequest"]?["fileIds"]
    }

    @Test("a file is uploaded to the session that is asked, whole, and named in the question")
    func one() async throws {
        let world = try BusinessWorld()
        #expect(try await world.asked(request(png(1, name: "red.png"))) == "See")
        #expect(
            world.http.requests.map(BusinessWorld.step(of:)) == [
                "getoxsrf", "widgetCreateSession", "widgetAddContextFile", "widgetStreamAssist",
            ])
        #expect(
            try uploads(world) == [
                [
                    "name": .string(BusinessWorld.session), "fileName": "red.png", "mimeType": "image/png",
                    "fileContents": "iQE=",
                ]
            ])
        #expect(try fileIDs(world) == ["101"])
        let body = try JSON.parse(world.requests("widgetAddContextFile").first?.body ?? [])
        #expect(body["configId"]?.string == "0cd0aa00-0000-4000-8000-00000000c0de")
        #expect(body["additionalParams"] == ["token": "-"])
    }

    @Test("many files keep their order, however their uploads end")
    func many() async throws {
        let gate = Gate()
        let world = try BusinessWorld { (request, attempt) throws(GatewayError) in
            guard BusinessWorld.step(of: request) == "widgetAddContextFile" else { return nil }
            let text = String(decoding: request.body ?? [], as: UTF8.self)
            // The first file's upload ends last.
            if text.contains("iQA=") { try await gate.pass() }
            if attempt == 9 { gate.open() }
            let contents = text.split(separator: "fileContents\":\"").last.map { String($0.prefix(4)) } ?? ""
            return FakeResponse(text: #"{"addContextFileResponse":{"fileId":"\#(contents)"}}"#)
        }
        var request = ModelRequest.asking("See")
        let files = (0..<9).map { png(UInt8($0)) }
        request.turns = [Turn(.user, [.text("See")] + files.map { Part(.media($0)) })]
        _ = try await world.events(request)
        let expected = files.map { file -> JSON in
            guard case .inline(let bytes) = file.source else { return .null }
            return .string(Base64.encode(bytes))
        }
        #expect(try fileIDs(world) == .array(expected))
    }

    @Test("files without words are a question")
    func withoutText() async throws {
        let world = try BusinessWorld()
        var request = ModelRequest.asking("")
        request.turns = [Turn(.user, [Part(.media(png(1)))])]
        #expect(try await world.asked(request) == "")
        #expect(try fileIDs(world) == ["101"])
    }

    @Test("a kind of text that the upstream does not know by name goes as plain text, once")
    func asText() async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetAddContextFile" && attempt == 1
                ? BusinessWorld.error(400, "INVALID_ARGUMENT") : nil
        }
        let source = Media(.document, mimeType: "text/x-zig", .inline(Array("const x = 1;".utf8)), displayName: "a.zig")
        _ = try await world.events(request(source))
        #expect(try uploads(world).map { $0["mimeType"]?.string } == ["text/x-zig", "text/plain"])
        #expect(try uploads(world).map { $0["fileName"]?.string } == ["a.zig", "a.zig"])
    }

    @Test(
        "a refused type is the client's to change: it is named, and neither the account nor another is blamed",
        arguments: [("application/x-foo", [0xFF, 0x00]), ("text/plain", [0x61])] as [(String, [UInt8])])
    func refused(type: String, bytes: [UInt8]) async throws {
        let world = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "widgetAddContextFile"
                ? BusinessWorld.error(400, "INVALID_ARGUMENT") : nil
        }
        let error = await world.failure(request(Media(.document, mimeType: type, .inline(bytes)))).error
        #expect(error?.scope == .request)
        #expect(error?.httpStatus == 400)
        #expect(error?.message.contains("\"\(type)\"") == true)
        #expect(error?.accountEffect == GatewayError.AccountEffect.none)
        #expect(world.requests("widgetAddContextFile").count == 1)
    }

    @Test("what cannot be used is refused before the upstream hears of it")
    func unusable() async throws {
        let world = try BusinessWorld(settings: { $0.maxUploadBytes = 3 })
        let bad = await world.failure(request(Media(.image, mimeType: "", .url("https://bad.example/x")))).error
        #expect(bad?.code == "invalid_image_url")
        let large = await world.failure(request(Media(.document, mimeType: "text/plain", .inline([1, 2, 3, 4])))).error
        #expect(large?.code == "file_too_large")
        #expect(large?.message.contains("at most 3") == true)
        #expect(world.http.requests.isEmpty)
    }

    @Test("URLs are fetched here, or told to the upstream where settings say so")
    func urls() async throws {
        let link = Media(.image, mimeType: "", .url("https://pictures.example/a.png"))
        let world = try BusinessWorld()
        _ = try await world.events(request(link))
        #expect(try uploads(world).first?["fileContents"]?.string != nil)
        let trusting = try BusinessWorld(settings: { $0.remoteFetch = .upstream })
        _ = try await trusting.events(request(link, png(1)))
        let sent = try uploads(trusting)
        #expect(sent.contains(["name": .string(BusinessWorld.session), "fileUri": "https://pictures.example/a.png"]))
        #expect(sent.contains { $0["fileContents"]?.string == "iQE=" })
    }

    @Test("in a session that goes on only new files are uploaded; a session begun anew gets all of them")
    func onlyNew() async throws {
        let world = try BusinessWorld()
        let first = request(png(1))
        _ = try await world.events(first)
        var second = first
        second.turns += [Turn(.model, [.text("A red square.")]), Turn(.user, [.text("And?"), Part(.media(png(2)))])]
        _ = try await world.events(second)
        #expect(try uploads(world).map { $0["fileContents"]?.string } == ["iQE=", "iQI="])
        let other = Credential(accountID: "ops2@mail.example.org", values: BusinessWorld.credential.values)
        _ = try await world.provider.events(of: second, on: FakeLease(other))
        let again = try uploads(world).dropFirst(2).compactMap { $0["fileContents"]?.string }.sorted()
        #expect(again == ["iQE=", "iQI="])
        #expect(try fileIDs(world)?.array?.count == 2)
    }

    @Test("what the model drew goes along to a new session where it is at hand, and is never fetched")
    func drawn() async throws {
        let world = try BusinessWorld()
        var asked = request()
        let drawn = [
            Media(.image, mimeType: "image/png", .inline([0x89, 7])),
            Media(.image, mimeType: "", .url("https://a.example/x")),
            Media(.image, mimeType: "", .url("https://gateway.example/media/x.png?exp=1")),
        ]
        asked.turns += [Turn(.model, drawn.map { Part(.media($0)) }), Turn(.user, [.text("In blue")])]
        _ = try await world.events(asked)
        #expect(try uploads(world).compactMap { $0["mimeType"]?.string }.sorted() == ["image/png", "text/x-url"])
    }

    @Test("a session that is gone when files come is replaced like any other")
    func lostSession() async throws {
        let world = try BusinessWorld { request, attempt in
            BusinessWorld.step(of: request) == "widgetAddContextFile" && attempt == 1
                ? BusinessWorld.error(404, "NOT_FOUND") : nil
        }
        #expect(try await world.events(request(png(1))).text == "A red square.")
        #expect(world.requests("widgetCreateSession").count == 2)
    }

    @Test("an upload without an id, or refused for the account, is an error of its own")
    func odd() async throws {
        let nameless = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "widgetAddContextFile" ? FakeResponse(text: "{}") : nil
        }
        #expect(await nameless.failure(request(png(1))).error?.kind == .upstreamBadResponse)
        let limited = try BusinessWorld { request, _ in
            BusinessWorld.step(of: request) == "widgetAddContextFile"
                ? BusinessWorld.error(429, "RESOURCE_EXHAUSTED") : nil
        }
        let error = await limited.failure(request(png(1), png(2))).error
        #expect(error?.kind == .rateLimited)
        #expect(error?.accountEffect == .cool)
        #expect(limited.requests("widgetStreamAssist").isEmpty)
    }
}
