import PolluxCore
import PolluxTransport
import Testing

@Suite("HTTP client: requests and answers", .timeLimit(.minutes(1)))
struct CurlExchangeTests {
    @Test("a request arrives as it was written, without anything of libcurl's own")
    func requestHead() async throws {
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("{}")]))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let fields: HTTPFields = ["content-type": "application/json", "x-empty": "", "authorization": "Bearer abc"]
            let url = upstream.url + "/v1/../a%20b?x=y"
            let response = try await client.send(
                UpstreamRequest(.post, url, fields: fields, body: Array("{\"a\":1}".utf8)))
            #expect(response.status == 200)
            #expect(try await response.body.collect() == Array("{}".utf8))
            _ = try await client.text(upstream.url)
            _ = try await client.send(UpstreamRequest(.delete, upstream.url + "/x")).body.collect()
            _ = try await client.send(UpstreamRequest(.put, upstream.url + "/y", body: [])).body.collect()
        }
        let host = "Host: 127.0.0.1:\(upstream.port)\r\n"
        #expect(
            upstream.requests == [
                "POST /v1/../a%20b?x=y HTTP/1.1\r\n\(host)content-type: application/json\r\nx-empty:\r\n"
                    + "authorization: Bearer abc\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
                "GET / HTTP/1.1\r\n\(host)\r\n",
                "DELETE /x HTTP/1.1\r\n\(host)\r\n",
                "PUT /y HTTP/1.1\r\n\(host)Content-Length: 0\r\n\r\n",
            ])
        #expect(upstream.connectionCount == 1)
    }

    @Test("status and fields of the answer: names in lower case, order and repeats kept, folded lines joined")
    func responseHead() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest,
            .write(
                "HTTP/1.1 404 Not Found\r\nX-One:  1 \r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"
                    + "X-Long: a\r\n b\r\ncontent-length: 0\r\n\r\n"
            ))
        defer { upstream.stop() }
        let response = try await withScriptedClient { client in
            let response = try await client.get(upstream.url)
            #expect(try await response.body.next() == nil)
            return response
        }
        #expect(response.status == 404)
        #expect(
            Array(response.fields).map { "\($0.name)=\($0.value)" } == [
                "x-one=1", "set-cookie=a=1", "set-cookie=b=2", "x-long=a b", "content-length=0",
            ])
    }

    @Test("interim answers are passed over (F-27)")
    func interim() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 100 Continue\r\nx: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"),
            .answer("late"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let response = try await client.get(upstream.url)
            #expect(response.status == 200)
            #expect(response.fields["link"] == nil)
            #expect(try await response.body.collect() == Array("late".utf8))
        }
    }

    @Test("a redirect is an answer like any other")
    func redirect() async throws {
        let upstream = try ScriptedUpstream(
            .readRequest, .write("HTTP/1.1 302 Found\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n"), .stall)
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let response = try await client.get(upstream.url)
            #expect(response.status == 302)
            #expect(response.fields["location"] == "/other")
        }
    }

    @Test("a cookie set by one answer is not sent with the next request")
    func noCookies() async throws {
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("x", fields: "set-cookie: a=1\r\n")]))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            for _ in 0..<3 { _ = try await client.text(upstream.url) }
        }
        #expect(upstream.requests.allSatisfy { !$0.lowercased().contains("cookie") })
    }

    @Test("bodies by length, in chunks and up to the closing of the connection")
    func framing() async throws {
        let upstream = try ScriptedUpstream(scripts: [
            [.readRequest, .write("HTTP/1.1 200 OK\r\n\r\nuntil the end")],
            [
                .readRequest,
                .write(
                    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"),
                .write("3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nt: 1\r\n\r\n"),
                .stall,
            ],
        ])
        defer { upstream.stop() }
        try await withScriptedClient { client in
            try await client.expect("until the end", from: upstream.url)
            try await client.expect("abcde", from: upstream.url)
        }
    }

    @Test("a large body goes up whole")
    func largeUpload() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("ok"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            let body = [UInt8](repeating: UInt8(ascii: "x"), count: 5_000_000)
            let response = try await client.send(UpstreamRequest(.post, upstream.url, body: body))
            #expect(try await response.body.collect() == Array("ok".utf8))
        }
        #expect(upstream.requests.first?.utf8.count ?? 0 > 5_000_000)
        #expect(upstream.requests.first?.lowercased().contains("expect:") == false)
    }

    @Test("a task on no loop uses the fallback loop")
    func foreignTask() async throws {
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("hello")]))
        defer { upstream.stop() }
        let loop = try EventLoop(name: "fallback")
        try loop.start()
        defer { loop.stop() }
        let client = CurlTransport(fallback: loop)
        let response = try await client.get(upstream.url)
        #expect(!response.body.isReady)
        #expect(try await response.body.collect() == Array("hello".utf8))
        let error = await client.failure("http://127.0.0.1:1/")
        #expect(error?.kind == .upstreamUnreachable)
    }

    @Test("a field or URL that cannot be sent is refused before anything is sent", arguments: ["a\r\nb: c", "a\0b"])
    func badFields(_ value: String) async throws {
        try await withScriptedClient { client in
            let request = UpstreamRequest(.get, "http://127.0.0.1:1/", fields: ["x": value])
            let error = await #expect(throws: GatewayError.self) { try await client.send(request) }
            #expect(error?.kind == .internalError)
            #expect(await client.failure("ftp://127.0.0.1/")?.kind == .internalError)
            #expect(await client.failure("http://127.0.0.1:99999/")?.kind == .internalError)
        }
    }

    @Test("64 requests at a time share 64 connections over and over")
    func parallel() async throws {
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("0123456789")]))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask {
                        for _ in 0..<20 { try await client.expect("0123456789", from: upstream.url) }
                    }
                }
                try await group.waitForAll()
            }
            #expect(client.statistics.transfers == 1280)
            #expect(client.statistics.connections <= 64)
            #expect(client.statistics.repeatedSends == 0)
        }
        #expect(upstream.connectionCount <= 64)
        #expect(upstream.requests.count == 1280)
    }

    @Test("a kept connection that the upstream closed is replaced unseen")
    func staleConnection() async throws {
        let upstream = try ScriptedUpstream(.readRequest, .answer("x"))
        defer { upstream.stop() }
        try await withScriptedClient { client in
            for _ in 0..<5 { try await client.expect("x", from: upstream.url) }
        }
    }

    @Test("a request that dies on a kept connection is sent once more, and counted (T-10)")
    func repeatedSend() async throws {
        let upstream = try ScriptedUpstream(scripts: [
            [.readRequest, .answer("one"), .readRequest],
            [.readRequest, .answer("two")],
        ])
        defer { upstream.stop() }
        try await withScriptedClient { client in
            try await client.expect("one", from: upstream.url)
            #expect(client.statistics.repeatedSends == 0)
            try await client.expect("two", from: upstream.url)
            #expect(client.statistics.repeatedSends == 1)
        }
        #expect(upstream.requests.count == 3)
    }

    @Test("the proxy gets the absolute form and our sign-in; hosts in noProxy are reached directly")
    func proxy() async throws {
        let proxy = try ScriptedUpstream(.forever([.readRequest, .answer("via proxy")]))
        let upstream = try ScriptedUpstream(.forever([.readRequest, .answer("direct")]))
        defer {
            proxy.stop()
            upstream.stop()
        }
        let secret = Secret("http://user:pass@127.0.0.1:\(proxy.port)")
        try await withScriptedClient(network: NetworkOptions(proxy: secret)) { client in
            try await client.expect("via proxy", from: "http://upstream.invalid/x?y")
            var request = UpstreamRequest(.get, upstream.url)
            request.network = NetworkOptions(proxy: secret, noProxy: ["127.0.0.1"])
            #expect(try await client.send(request).body.collect() == Array("direct".utf8))
            request.network = NetworkOptions()
            #expect(try await client.send(request).body.collect() == Array("direct".utf8))
        }
        #expect(proxy.requests.count == 1)
        #expect(proxy.requests[0].hasPrefix("GET http://upstream.invalid/x?y HTTP/1.1\r\n"))
        #expect(proxy.requests[0].contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"))
    }
}
