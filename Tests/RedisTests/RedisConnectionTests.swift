import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxRedis

@Suite("A connection to Redis", .serialized)
struct RedisConnectionTests {
    @Test("commands are answered in order, with every sort of reply")
    func replies() async throws {
        let server = try RedisServer()
        let redis = try WatchedConnection(server.url)
        try #require(redis.isConnected)
        let commands: [([String], RedisReply)] = [
            (["SET", "a", "1"], .status("OK")), (["INCR", "a"], .integer(2)), (["GET", "a"], .text(Array("2".utf8))),
            (["GET", "none"], .null),
            (
                ["EVAL", "return {1, {2, 'x'}, false}", "0"],
                .array([.integer(1), .array([.integer(2), .text([0x78])]), .null])
            ),
            (["SET", "empty", ""], .status("OK")), (["GET", "empty"], .text([])),
        ]
        for (command, reply) in commands {
            let result = await redis.connection.send(command)
            #expect(result == .success(reply), "\(command)")
        }
        let refused = await redis.connection.send(["NOSUCHCOMMAND"])
        guard case .success(.error(let words)) = refused else { throw RedisServer.Failure("\(refused)") }
        #expect(words.contains("unknown command"))
    }

    @Test("many commands at once are answered each with its own reply")
    func pipelined() async throws {
        let server = try RedisServer()
        let redis = try WatchedConnection(server.url, timeout: .seconds(5))
        try #require(redis.isConnected)
        let connection = redis.connection
        let wrong = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let result = await connection.send(["ECHO", "n\(number)"])
                    return result != .success(.text(Array("n\(number)".utf8)))
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wrong == 0)
    }

    @Test("a password and a database are part of the address")
    func login() async throws {
        let server = try RedisServer(password: "open-sesame-17")
        let redis = try WatchedConnection(server.url + "?db=3")
        try #require(redis.isConnected)
        let info = await redis.connection.send(["CLIENT", "INFO"])
        guard case .success(.text(let bytes)) = info else { throw RedisServer.Failure("\(info)") }
        #expect(String(decoding: bytes, as: UTF8.self).contains(" db=3 "))
        let wrong = try WatchedConnection(
            server.url.replacing("open-sesame-17", with: "open-barley-18"))
        #expect(wrong.waits(for: "no Redis"))
        let result = await wrong.connection.send(["PING"])
        #expect(result == .failure(.notConnected))
        #expect(wrong.words.contains("WRONGPASS") && !wrong.words.contains("barley"))
    }

    @Test("a script that Redis has forgotten is sent once more")
    func forgottenScript() async throws {
        let server = try RedisServer()
        let script = RedisScript("return {KEYS[1], ARGV[1]}")
        let redis = try WatchedConnection(server.url, scripts: [script])
        try #require(redis.isConnected)
        let expected = RedisReply.array([.text(Array("k".utf8)), .text(Array("v".utf8))])
        for _ in 0..<3 {
            let result = await redis.connection.run(script, keys: ["k"], arguments: ["v"])
            #expect(result == .success(expected))
            let flushed = await redis.connection.send(["SCRIPT", "FLUSH"])
            #expect(flushed == .success(.status("OK")))
        }
    }

    @Test("a server that does not reply costs one timeout; then nobody waits until it is back")
    func frozen() async throws {
        let server = try RedisServer()
        let redis = try WatchedConnection(server.url)
        try #require(redis.isConnected)
        server.freeze()
        let began = ContinuousClock.now
        let first = await redis.connection.send(["PING"])
        #expect(first == .failure(.timedOut))
        #expect(ContinuousClock.now - began >= .milliseconds(50))
        for _ in 0..<100 {
            let next = await redis.connection.send(["PING"])
            #expect(next == .failure(.notConnected))
        }
        server.thaw()
        try #require(redis.isConnected)
        let back = await redis.connection.send(["PING"])
        #expect(back == .success(.status("PONG")))
    }

    @Test("a server that was killed and started again is found again")
    func restarted() async throws {
        let server = try RedisServer()
        let redis = try WatchedConnection(server.url)
        try #require(redis.isConnected)
        server.kill()
        try #require(redis.waits(for: "no Redis"))
        let away = await redis.connection.send(["PING"])
        #expect(away == .failure(.notConnected))
        try server.start()
        try #require(redis.isConnected)
        let back = await redis.connection.send(["PING"])
        #expect(back == .success(.status("PONG")))
    }

    @Test("after five failures in a row Redis is left alone")
    func rests() async throws {
        let server = try RedisServer()
        let redis = try WatchedConnection(server.url)
        try #require(redis.isConnected)
        for _ in 0..<5 {
            let result = await redis.connection.send(["EVAL", "return redis.error_reply('OOM no room')", "0"])
            #expect(result == .success(.error("OOM no room")))
        }
        let resting = await redis.connection.send(["PING"])
        #expect(resting == .failure(.resting))
    }

    @Test("a place where nobody is does not come about, and says so once")
    func nobody() async throws {
        let redis = try WatchedConnection("unix:///tmp/pollux-no-such-socket.sock")
        try #require(redis.waits(for: "no Redis"))
        let result = await redis.connection.send(["PING"])
        #expect(result == .failure(.notConnected))
        #expect(!redis.waits(for: "no Redis", within: .milliseconds(300)))
    }

    @Test("a connection that nobody wants any more can be wanted again")
    func stopAndStart() async throws {
        let server = try RedisServer()
        let redis = try WatchedConnection(server.url)
        try #require(redis.isConnected)
        // A reload starts the new user before the old one has gone, or after.
        for _ in 0..<20 {
            redis.connection.stop()
            try redis.connection.start()
            try redis.connection.start()
            redis.connection.stop()
        }
        redis.connection.stop()
        try redis.connection.start()
        var result = await redis.connection.send(["PING"])
        let end = ContinuousClock.now + .seconds(10)
        while result != .success(.status("PONG")), ContinuousClock.now < end {
            result = await redis.connection.send(["PING"])
        }
        #expect(result == .success(.status("PONG")))
    }

    @Test(
        "what no Redis would say is refused, and harms nobody",
        arguments: [
            "HTTP/1.1 400 Bad Request\r\n\r\n", "+PONG", ":1\r\n", "$9999999999999\r\n", "$-7\r\n", "*-9\r\n",
            "*99999999\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "\u{0}\u{1}\r\n",
            "-ERR max number of clients reached\r\n", "+PONG\r\n+PONG\r\n+PONG\r\n+PONG\r\n",
            "$70000\r\n" + String(repeating: "a", count: 70_000) + "\r\n",
        ])
    func babble(_ bytes: String) async throws {
        let server = try BabblingServer(bytes)
        let redis = try WatchedConnection(server.url, scripts: [RedisScript("return 1")])
        #expect(redis.waits(for: "no Redis"))
        #expect(!redis.connection.isReady)
    }
}

@Suite("When Redis is left alone")
struct RedisBreakerTests {
    @Test("five failures in a row open it for five seconds; then one more is enough")
    func opens() {
        var breaker = RedisBreaker()
        for _ in 0..<4 { breaker.fail(0) }
        #expect(!breaker.isOpen(0))
        breaker.fail(0)
        #expect(breaker.isOpen(4_999_999) && !breaker.isOpen(5_000_000))
        breaker.fail(6_000_000)
        #expect(breaker.isOpen(10_999_999))
        breaker.succeed()
        #expect(!breaker.isOpen(6_000_001) && breaker.failures == 0)
    }

    @Test("a success in between begins the count anew")
    func inARow() {
        var breaker = RedisBreaker()
        for _ in 0..<20 {
            for _ in 0..<4 { breaker.fail(0) }
            breaker.succeed()
        }
        #expect(!breaker.isOpen(0))
    }
}
