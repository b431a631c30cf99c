import PolluxCore
import PolluxTransport
import Testing

@Suite("HTTP server")
struct HTTPServerTests {
    @Test("answers a request with length, date and the connection kept")
    func simpleAnswer() async throws {
        try await withServer { server in
            let client = server.connect()
            for index in 0..<3 {
                client.send("GET /v1/models?n=\(index) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                let answer = try #require(client.answer())
                #expect(answer.status == 200)
                #expect(answer.text == "GET /v1/models?n=\(index) 0")
                #expect(answer.fields["content-length"] == "\(answer.body.count)")
                #expect(answer.fields["date"]?.hasSuffix(" GMT") == true)
                #expect(answer.fields["connection"] == nil)
            }
        }
    }

    @Test("pipelined requests are answered in order")
    func pipelining() async throws {
        try await withServer { server in
            let client = server.connect()
            var requests = ""
            for index in 0..<50 {
                requests += "POST /\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
            }
            client.send(requests)
            for index in 0..<50 { #expect(client.answer()?.text == "POST /\(index) 3") }
        }
    }
}
