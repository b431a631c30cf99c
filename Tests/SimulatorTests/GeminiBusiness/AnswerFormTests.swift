import PolluxCore
import PolluxCrypto
import PolluxSimulator
import Testing

/// The rarer rows of the protocol notes, section 6.2, which a prompt can ask for.
@Suite("Gemini Business: rarer forms of answers")
struct AnswerFormTests {
    static let imageTools: JSON = ["imageGenerationSpec": [:]]

    private func elements(_ prompt: String, tools: JSON? = nil) async throws -> [JSON] {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let reply = try tools.map { try client.ask(prompt, in: session, tools: $0) }
            return try (reply ?? client.ask(prompt, in: session)).json?.array ?? []
        }
    }

    private func contents(_ elements: [JSON]) -> [JSON] {
        elements.flatMap { $0["streamAssistResponse"]?["answer"]?["replies"]?.array ?? [] }
            .compactMap { $0["groundedContent"]?["content"] }
    }

    @Test("code is a reply with executableCode, then one with what it printed")
    func code() async throws {
        let found = contents(try await elements("x [[sim:code]]"))
        let written = try #require(found.firstIndex { $0["executableCode"] != nil })
        #expect(found[written]["executableCode"]?["code"]?.string == "a = 6\na * 7")
        #expect(found[written + 1]["codeExecutionResult"]?["outcome"]?.string == "OUTCOME_OK")
        #expect(found[written + 1]["codeExecutionResult"]?["output"]?.string == "42\n")
    }

    @Test("inline bytes stand in the answer in place of a file, for pictures, films and with text")
    func inline() async throws {
        for (tools, type) in [
            (Self.imageTools, "image/png"), (["videoGenerationSpec": [:]], "video/mp4"),
            (["toolRegistry": "default_tool_registry"], "image/png"),
        ] as [(JSON, String)] {
            let found = contents(try await elements("x [[sim:inline,images=2]]", tools: tools))
            let data = found.compactMap { $0["inlineData"] }
            #expect(data.count == 2 && data.allSatisfy { $0["mimeType"]?.string == type })
            let bytes = try data.map { try Base64.decode($0["data"]?.string ?? "", .strict) }
            #expect(bytes[0] != bytes[1] && Self.isMedia(bytes[0], type) && Self.isMedia(bytes[1], type))
            #expect(found.allSatisfy { $0["file"] == nil })
        }
    }

    private static func isMedia(_ bytes: [UInt8], _ type: String) -> Bool {
        type == "image/png"
            ? bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]) : bytes[4..<8].elementsEqual("ftyp".utf8)
    }

    @Test("older pictures are in generatedImages of the response, of the answer or of a reply")
    func olderShape() async throws {
        for mark in ["older", "older=answer", "older=reply"] {
            let list = try await elements("x [[sim:\(mark)]]", tools: Self.imageTools)
            let places = list.compactMap { element -> JSON? in
                let response = element["streamAssistResponse"]
                switch mark {
                case "older": return response?["generatedImages"]
                case "older=answer": return response?["answer"]?["generatedImages"]
                default: return response?["answer"]?["replies"]?[0]?["generatedImages"]
                }
            }
            #expect(places.count == 1, "\(mark)")
            let image = places.first?[0]?["image"]
            let bytes = try Base64.decode(image?["bytesBase64Encoded"]?.string ?? "", .strict)
            #expect(image?["mimeType"]?.string == "image/png" && Self.isMedia(bytes, "image/png"))
            #expect(contents(list).allSatisfy { $0["file"] == nil })
        }
    }

    @Test("a text answer may bring a file, a picture model may answer in words")
    func contentNotModel() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let text = AssistAnswer(try client.ask("x [[sim:file]]", in: session))
            #expect(text.text.hasPrefix("echo[auto|files=0|turn=1]: x") && text.files.count == 1)
            #expect(try client.files(of: session).first?["fileId"]?.string == text.files.first)
            let words = AssistAnswer(try client.ask("x [[sim:onlytext]]", in: session, tools: Self.imageTools))
            #expect(!words.text.isEmpty && words.files.isEmpty)
            #expect(try client.files(of: session).count == 1)
        }
    }

    @Test("the list of files tells the right type where the answer tells a wrong one")
    func wrongType() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let reply = try client.ask("x [[sim:wrongtype]]", in: session, tools: Self.imageTools)
            let file = contents(reply.json?.array ?? []).compactMap { $0["file"] }.first
            #expect(file?["mimeType"]?.string == "application/octet-stream")
            #expect(try client.files(of: session).first?["mimeType"]?.string == "image/png")
        }
    }

    @Test("with the tools for both, a film is made where the prompt asks for one")
    func choiceOfVideo() async throws {
        let both: JSON = ["imageGenerationSpec": [:], "videoGenerationSpec": [:]]
        let film = contents(try await elements("waves [[sim:video]]", tools: both))
        let picture = contents(try await elements("waves", tools: both))
        #expect(film.compactMap { $0["file"]?["mimeType"]?.string } == ["video/mp4"])
        #expect(picture.compactMap { $0["file"]?["mimeType"]?.string } == ["image/png"])
    }

    @Test("files lists what was attached, in the order of the question, so that its bytes can be compared")
    func attachedFiles() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let session = try client.createSession()
            let sent: [(type: String, bytes: [UInt8])] = [
                ("image/png", [0, 255, 13, 10]), ("application/pdf", []), ("text/plain", [0xE2, 0x80, 0xA8]),
            ]
            let ids = try sent.map { file in
                let reply = try client.upload(
                    to: session, mimeType: file.type, contents: Base64.encode(file.bytes))
                return try #require(reply.json?["addContextFileResponse"]?["fileId"]?.string)
            }
            let answer = AssistAnswer(try client.ask("x [[sim:files]]", in: session, files: ids.reversed()))
            let lines = answer.text.split(separator: "\n").filter { $0.hasPrefix("file ") }.map(String.init)
            let expected = sent.reversed().map { file in
                "file \(file.type) \(file.bytes.count) \(Self.hex(SHA256.hash(file.bytes))) upload_1_a.png"
            }
            #expect(answer.text.hasPrefix("echo[auto|files=3|turn=1]: ") && lines == expected)
        }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    @Test("noise has elements without an answer, answers without replies, replies without text, unknown members")
    func noise() async throws {
        let list = try await elements("x [[sim:noise]]")
        let responses = list.compactMap { $0["streamAssistResponse"] }
        #expect(responses.count == list.count - 1)
        let isWithoutAnswer = responses.contains { $0["answer"] == nil }
        let isWithoutReplies = responses.dropLast().contains { $0["answer"] != nil && $0["answer"]?["replies"] == nil }
        #expect(isWithoutAnswer && isWithoutReplies)
        let bare = contents(list).contains { $0.object?.count == 1 }
        let pairs = responses.compactMap { $0["answer"]?["replies"]?.array }.filter { $0.count == 2 }
        #expect(bare && pairs.count == 1 && pairs[0][0]["unknown"] != nil)
        let texts = contents(list).filter { $0["thought"] == nil }.compactMap { $0["text"]?.string }
        #expect(texts.joined() == " two replies in one elementecho[auto|files=0|turn=1]: x [[sim:noise]]")
    }

    @Test("nofinal closes the array without a final state")
    func noFinal() async throws {
        let list = try await elements("x [[sim:nofinal]]")
        let states = Set(list.map { $0["streamAssistResponse"]?["answer"]?["state"]?.string })
        #expect(states == ["IN_PROGRESS"])
    }

    @Test("big is one delta of so many bytes")
    func big() async throws {
        let found = contents(try await elements("x [[sim:big=4000000]]"))
        #expect(found.compactMap { $0["text"]?.string.map(\.utf8.count) }.max() == 4_000_000)
    }

    @Test("an error's reason can be chosen or left out, at the head, in band and behind text")
    func reasons() async throws {
        try await withSimulator(.geminiBusiness) { server in
            let client = BusinessClient(server)
            let head = try client.ask("[[sim:http=429,reason=QUOTA]]").json
            #expect(head?["error"]?["details"]?[0]?["reason"]?.string == "QUOTA")
            let inBand = try client.ask("[[sim:inband=429,reason]]").json
            #expect(inBand?[0]?["error"]?["status"]?.string == "RESOURCE_EXHAUSTED")
            #expect(inBand?[0]?["error"]?["details"] == nil)
            let late = AssistAnswer(try client.ask("[[sim:late-inband=403,reason=LICENCE]]")).last
            #expect(late["error"]?["details"]?[0]?["reason"]?.string == "LICENCE")
        }
    }
}
