import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Media of requests, through a whole gateway", .serialized)
struct MediaIntakeTests {
    /// A PNG of 8 × 6 pixels, as far as its header goes.
    static let png: [UInt8] =
        [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 8, 0, 0, 0, 6]
        + [8, 2, 0, 0, 0]

    private static func answer(_ fields: String = "", status: String = "200 OK", _ body: [UInt8] = png) -> [UInt8] {
        Array("HTTP/1.1 \(status)\r\nconnection: close\r\n\(fields)content-length: \(body.count)\r\n\r\n".utf8) + body
    }

    private static func chat(_ parts: JSON...) -> String {
        let message: JSON = ["role": "user", "content": .array(parts)]
        return (["model": "reader", "messages": [message]] as JSON).text
    }

    private static func image(_ url: String) -> JSON { ["type": "image_url", "image_url": ["url": .string(url)]] }

    private static func ask(_ gateway: TestGateway, openAI url: String) throws -> Reply {
        try gateway.ask("POST", "/v1/chat/completions", body: chat(image(url)))
    }

    private static func ask(_ gateway: TestGateway, gemini url: String) throws -> Reply {
        let part: JSON = ["fileData": ["fileUri": .string(url), "mimeType": "image/png"]]
        let body: JSON = ["contents": [["role": "user", "parts": [part]]]]
        return try gateway.ask("POST", "/v1beta/models/reader:generateContent", body: body.text)
    }

    @Test("an allowed host is fetched through both formats; its name, type and bytes arrive")
    func allowed() async throws {
        let upstream = try RawUpstream(answer: Self.answer("content-type: text/plain\r\n"))
        defer { upstream.stop() }
        let media = "{allow_hosts: [\"127.0.0.1:\(upstream.port)\"]}"
        try await TestGateway.with(MediaReader.setup(media: media)) { gateway in
            let url = "http://127.0.0.1:\(upstream.port)/a/photo.png?secret=1"
            let chat = try Self.ask(gateway, openAI: url)
            #expect(chat.text.contains("read: image/png photo.png 29"), "\(chat.text)")
            let generated = try Self.ask(gateway, gemini: url)
            #expect(generated.text.contains("read: image/png photo.png 29"), "\(generated.text)")
            let page = MetricsPage(try gateway.ask("GET", "/metrics", key: nil).text)
            #expect(page.value("pollux_untrusted_fetch_total", ["result": "ok"]) == 2)
        }
    }

    @Test("whatever the reason, all failures are the same bytes to a client, and the log keeps the query to itself")
    func oneError() async throws {
        let good = try RawUpstream(answer: Self.answer())
        let page = try RawUpstream(answer: Self.answer("", Array("<!doctype html>".utf8)))
        let missing = try RawUpstream(answer: Self.answer(status: "404 Not Found"))
        let zipped = try RawUpstream(answer: Self.answer("content-encoding: gzip\r\n"))
        let inward = try RawUpstream(
            answer: Self.answer("location: http://127.0.0.1:\(good.port)/\r\n", status: "302 Found"))
        let ring = try RawUpstream(answer: Self.answer("location: /\r\n", status: "302 Found"))
        let huge = try RawUpstream(answer: Array("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n".utf8))
        let silent = try RawUpstream(answer: [])
        let all = [good, page, missing, zipped, inward, ring, huge, silent]
        defer { for upstream in all { upstream.stop() } }
        let closed = try RawUpstream.refusingPort()
        let allowed = all.dropFirst().map(\.port) + [closed]
        let media = "{allow_hosts: [\(allowed.map { "\"127.0.0.1:\($0)\"" }.joined(separator: ", "))]}"
        try await TestGateway.with(MediaReader.setup(media: media)) { gateway in
            // A private address that is open, one that is closed, names that lead there, and a name nobody knows.
            var urls = ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::ffff:127.0.0.1]"]
                .map { "http://\($0):\(good.port)/?q=planted" }
            urls += ["http://10.255.255.1/?q=planted", "http://[::1]:1/", "http://pollux-test.invalid/?q=planted"]
            urls += ["http://user:planted@127.0.0.1:\(good.port)/", "http://１２７.0.0.1/", "http://a b/"]
            urls += ["http://127.0.0.1:\(closed)/", "http://127.0.0.1:\(gateway.port)/v1/models"]
            urls += all.dropFirst().map { "http://127.0.0.1:\($0.port)/?q=planted" }
            let openAI = try urls.map { try Self.ask(gateway, openAI: $0) }
            let gemini = try urls.map { try Self.ask(gateway, gemini: $0) }
            for (url, reply) in zip(urls, openAI) {
                #expect(reply.status == 400 && reply.body == openAI[0].body, "\(url): \(reply.text)")
            }
            for (url, reply) in zip(urls, gemini) {
                #expect(reply.status == 400 && reply.body == gemini[0].body, "\(url): \(reply.text)")
            }
            #expect(openAI[0].errorCode == "invalid_image_url")
            #expect(openAI[0].json["error"]?["message"]?.string == "the URL could not be used")
            #expect(gemini[0].json["error"]?["status"]?.string == "INVALID_ARGUMENT")
            let lines = gateway.log.filter { $0.contains("a URL of a request was not used") }
            #expect(lines.count == 2 * urls.count)
            #expect(!gateway.log.contains { $0.contains("planted") })
            let page = MetricsPage(try gateway.ask("GET", "/metrics", key: nil).text)
            for result in [
                "refused_url", "refused_address", "redirect", "too_large", "unreachable", "bad_status", "bad_type",
            ] {
                #expect((page.value("pollux_untrusted_fetch_total", ["result": result]) ?? 0) > 0, "\(result)")
            }
        }
    }

    @Test("what may be fetched changes with a reload, for a provider that goes on as it is")
    func reload() async throws {
        let upstream = try RawUpstream(answer: Self.answer())
        defer { upstream.stop() }
        let url = "http://127.0.0.1:\(upstream.port)/a.png"
        try await TestGateway.with(MediaReader.setup()) { gateway in
            #expect(try Self.ask(gateway, openAI: url).status == 400)
            let allowed = "allow_hosts: [\"127.0.0.1:\(upstream.port)\"]"
            try await gateway.reload(MediaReader.setup(media: "{\(allowed)}"))
            #expect(try Self.ask(gateway, openAI: url).status == 200)
            try await gateway.reload(MediaReader.setup(media: "{fetch: off, \(allowed)}"))
            #expect(try Self.ask(gateway, openAI: url).status == 400)
            // Even the operator cannot make the gateway ask itself.
            try await gateway.reload(MediaReader.setup(media: "{allow_hosts: [\"127.0.0.1:\(gateway.port)\"]}"))
            #expect(try Self.ask(gateway, openAI: "http://127.0.0.1:\(gateway.port)/healthz").status == 400)
            #expect(gateway.log.last { $0.contains("was not used") }?.contains("own listening port") == true)
        }
    }

    @Test("what comes as bytes is judged by them, in every field that carries it")
    func inline() async throws {
        let pdf = Base64.encode(Array("%PDF-1.7 …".utf8))
        let sound = Base64.encode(Array("ID3".utf8) + [4, 0, 0, 0, 0, 0, 0])
        let script = Base64.encode(Array("let a = 1\n".utf8))
        try await TestGateway.with(MediaReader.setup(.attachment)) { gateway in
            let reply = try gateway.ask(
                "POST", "/v1/chat/completions",
                body: Self.chat(
                    Self.image("data:image/png;base64,\(pdf)"),
                    ["type": "input_audio", "input_audio": ["data": .string(sound), "format": "mp3"]],
                    ["type": "file", "file": ["file_data": .string(script), "filename": "../a b.js"]],
                    ["type": "file", "file": ["file_data": .string("data:text/csv;base64,\(script)")]]))
            let lines = reply.json["choices"]?[0]?["message"]?["content"]?.string?.split(separator: "\n").map(
                String.init)
            #expect(
                lines == [
                    "read: application/pdf file.pdf 12", "audio/mpeg file.mp3 10", "text/javascript a_b.js 10",
                    "text/csv file.csv 10",
                ], "\(reply.text)")
        }
    }

    @Test("a type that nobody takes is named to the client, in both formats")
    func unknownType() async throws {
        try await TestGateway.with(MediaReader.setup(.attachment)) { gateway in
            let data = Base64.encode([0, 1, 2, 3])
            let chat = try gateway.ask(
                "POST", "/v1/chat/completions", body: Self.chat(Self.image("data:application/x-foo;base64,\(data)")))
            #expect(chat.status == 400 && chat.errorCode == "invalid_image_url")
            #expect(chat.text.contains("application/x-foo"), "\(chat.text)")
            let part: JSON = ["inlineData": ["mimeType": "application/x-foo", "data": .string(data)]]
            let body: JSON = ["contents": [["role": "user", "parts": [part]]]]
            let gemini = try gateway.ask("POST", "/v1beta/models/reader:generateContent", body: body.text)
            #expect(gemini.status == 400 && gemini.text.contains("application/x-foo"), "\(gemini.text)")
        }
    }
}
