import PolluxCore
import PolluxFrontends
import PolluxTesting
import Testing

@Suite("Chat completions, from the client's bytes to the client's bytes")
struct ChatGoldenTests {
    private static let folder = #filePath.replacing(
        "FrontendsTests/OpenAI/ChatGoldenTests.swift", with: "Fixtures/openai")

    @Test(
        "every case gives exactly the upstream request and the answer in its file", arguments: Golden.files(in: folder))
    func golden(_ name: String) async throws {
        let golden = try Golden(path: "\(Self.folder)/\(name)")
        let outputs = try await Self.outputs(of: golden, pieces: { [$0] })
        #expect(try golden.differences(from: outputs) == [])
    }

    @Test("an upstream's answer may come byte by byte", arguments: Golden.files(in: folder))
    func byteByByte(_ name: String) async throws {
        let golden = try Golden(path: "\(Self.folder)/\(name)")
        let outputs = try await Self.outputs(of: golden) { $0.map { [$0] } }
        #expect(outputs.last?.text == golden["client"])
    }

    @Test("an upstream's answer may be cut after any byte", arguments: ["sse-oddities.txt", "functions-stream.txt"])
    func cutAnywhere(_ name: String) async throws {
        let golden = try Golden(path: "\(Self.folder)/\(name)")
        for cut in 0...(golden["upstream"] ?? "").utf8.count {
            let outputs = try await Self.outputs(of: golden) { [Array($0[..<cut]), Array($0[cut...])] }
            #expect(outputs.last?.text == golden["client"], "cut at \(cut)")
        }
    }

    private static func outputs(
        of golden: Golden, pieces: ([UInt8]) -> [[UInt8]]
    ) async throws -> [(name: String, text: String)] {
        var run = ChatRun()
        if let name = golden["reasoning_field"] {
            run.settings.reasoningField = try #require(.init(rawValue: name))
        }
        if let name = golden["presentation"] { run.presentation = try #require(.init(rawValue: name)) }
        let upstream = golden["upstream"].map { FakeResponse(pieces: pieces(Array($0.utf8))) }
        try await run.run(Array(try #require(golden["request"]).utf8), upstream: upstream)
        var outputs = [(name: "upstream request", text: String(decoding: run.upstreamRequest, as: UTF8.self))]
        let body = String(decoding: run.answer.body, as: UTF8.self)
        outputs.append(("client", "\(run.answer.head.status)\n\(body)"))
        return outputs
    }
}
