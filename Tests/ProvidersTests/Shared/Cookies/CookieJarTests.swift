import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Cookies (RFC 6265)")
struct CookieJarTests {
    private let now = WallTime(seconds: 1_790_000_000)

    private func url(_ text: String) throws -> UpstreamURL { try #require(UpstreamURL(text)) }

    private func jar(_ fields: [String], from place: String = "https://app.example.org/a/b?c") throws -> CookieJar {
        var jar = CookieJar()
        var answer: HTTPFields = [:]
        for field in fields { answer.append("set-cookie", field) }
        jar.merge(answer, from: try url(place), now: now)
        return jar
    }

    private func sent(_ jar: CookieJar, to place: String, later: Duration = .zero) throws -> String? {
        jar.field(for: try url(place), now: now + later)?.reveal()
    }

    @Test("a cookie without a domain goes back to its own host only, one with a domain to the hosts below it too")
    func domains() throws {
        let own = try jar(["a=1"])
        #expect(try sent(own, to: "https://app.example.org/a/x") == "a=1")
        #expect(try sent(own, to: "https://sub.app.example.org/a/x") == nil)
        let wide = try jar(["a=1; Domain=.example.org"])
        #expect(try sent(wide, to: "https://example.org/a") == "a=1")
        #expect(try sent(wide, to: "https://deep.app.example.org/a") == "a=1")
        #expect(try sent(wide, to: "https://badexample.org/a") == nil)
        #expect(try sent(wide, to: "https://example.org.evil.net/a") == nil)
    }

    @Test(
        "a host cannot speak for another one, nor for a whole top level",
        arguments: ["other.org", "sub.app.example.org", "org", ".org", "example.net", "127.0.0.1"])
    func foreignDomain(_ domain: String) throws {
        #expect(try jar(["a=1; Domain=\(domain)"]).cookies.isEmpty)
    }

    @Test("an address is a home of its own, with any port, and has no hosts below it")
    func addresses() throws {
        let jar = try jar(["a=1; Domain=127.0.0.1", "b=2; Domain=0.0.1"], from: "http://127.0.0.1:8099/app")
        #expect(try sent(jar, to: "http://127.0.0.1:9/x") == "a=1")
        #expect(try sent(jar, to: "http://8.127.0.0.1/x") == nil)
    }

    @Test("a path matches whole segments, and without one the folder of the request counts")
    func paths() throws {
        let jar = try jar(["own=1", "app=2; Path=/a", "bad=3; Path=x"], from: "https://h.example.org/a/b/c")
        #expect(try sent(jar, to: "https://h.example.org/a/b") == "own=1; bad=3; app=2")
        #expect(try sent(jar, to: "https://h.example.org/a/bc") == "app=2")
        #expect(try sent(jar, to: "https://h.example.org/ab") == nil)
        let root = try self.jar(["a=1"], from: "https://h.example.org/file")
        #expect(try sent(root, to: "https://h.example.org/") == "a=1")
    }

    @Test("secure cookies go over TLS and to this machine, and cannot be set from anywhere else")
    func secure() throws {
        let jar = try jar(["a=1; Secure; Path=/", "b=2; Path=/"])
        #expect(try sent(jar, to: "https://app.example.org/") == "a=1; b=2")
        #expect(try sent(jar, to: "http://app.example.org/") == "b=2")
        #expect(try self.jar(["a=1; Secure"], from: "http://app.example.org/").cookies.isEmpty)
        let local = try self.jar(["__Secure-a=1; Secure; Path=/"], from: "http://127.0.0.1:8099/app")
        #expect(try sent(local, to: "http://127.0.0.1:8099/") == "__Secure-a=1")
    }

    @Test("names with a prefix keep its promise")
    func prefixes() throws {
        let fields = [
            "__Secure-a=1; Path=/", "__Host-b=1; Secure; Path=/; Domain=example.org", "__Host-c=1; Secure; Path=/a",
            "__Host-d=1; Path=/", "__Host-e=1; Secure; Path=/", "__Secure-f=1; Secure",
        ]
        #expect(try jar(fields).cookies.map(\.name) == ["__Host-e", "__Secure-f"])
    }

    @Test("a cookie ends at its time: Max-Age counts before Expires")
    func expiry() throws {
        let jar = try jar([
            "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "b=2; Expires=Mon, 21 Sep 2026 14:13:30 GMT",
            "c=3; Max-Age=junk",
        ])
        #expect(try sent(jar, to: "https://app.example.org/a/") == "a=1; b=2; c=3")
        #expect(try sent(jar, to: "https://app.example.org/a/", later: .seconds(20)) == "a=1; c=3")
        #expect(try sent(jar, to: "https://app.example.org/a/", later: .seconds(61)) == "c=3")
    }

    @Test("a cookie that is set again replaces its predecessor, one that is cleared goes", arguments: ["0", "-1"])
    func replacing(age: String) throws {
        var jar = try jar(["a=1; Path=/", "b=2; Path=/"])
        jar.merge(["set-cookie": "a=9; Path=/"], from: try url("https://app.example.org/"), now: now)
        #expect(try sent(jar, to: "https://app.example.org/") == "a=9; b=2")
        jar.merge(["set-cookie": "a=; Path=/; Max-Age=\(age)"], from: try url("https://app.example.org/"), now: now)
        #expect(try sent(jar, to: "https://app.example.org/") == "b=2")
    }

    @Test("the version rises with each change and with nothing else")
    func version() throws {
        var jar = try jar(["a=1"])
        #expect(jar.version == 1)
        let same = jar.merge(["set-cookie": "a=1"], from: try url("https://app.example.org/a/b"), now: now)
        #expect(!same)
        #expect(jar.version == 1)
        jar.merge(["set-cookie": "a=2"], from: try url("https://app.example.org/a/b"), now: now)
        #expect(jar.version == 2)
    }

    @Test(
        "what cannot be read or sent is passed over",
        arguments: ["", "novalue", "=x", "a b\u{1}=1", "a=1\u{7F}", "a=1\r\nx: y", "; Path=/", "ä=1", "a=ö"])
    func malformed(_ field: String) throws {
        #expect(try jar([field]).cookies.isEmpty)
    }

    @Test("a jar is bounded: full, it still renews what it has")
    func bounded() throws {
        var jar = try jar(["a=1"])
        for start in stride(from: 0, to: 400, by: 100) {
            var fields: HTTPFields = [:]
            for number in start..<(start + 100) { fields.append("set-cookie", "c\(number)=1") }
            jar.merge(fields, from: try url("https://app.example.org/a/b"), now: now)
        }
        #expect(jar.cookies.count == CookieJar.maxCookies)
        jar.merge(["set-cookie": "a=2"], from: try url("https://app.example.org/a/b"), now: now)
        #expect(jar.cookies.first?.value == Secret("2"))
        let huge = try self.jar(["a=" + String(repeating: "x", count: 5000)])
        #expect(huge.cookies.isEmpty)
    }

    @Test("a jar comes back from its text as it was; anything else is no jar")
    func text() throws {
        let jar = try jar(["a=1; Domain=example.org; Secure; HttpOnly; Max-Age=60", "b=2; Path=/x"])
        let read = CookieJar(text: jar.text)
        #expect(read == jar)
        for text in ["", "[]", "{}", #"{"version":-1,"cookies":[]}"#, #"{"version":1,"cookies":[{"name":"a"}]}"#] {
            let none = CookieJar(text: Secret(text))
            #expect(none == nil, "\(text)")
        }
    }

    @Test(
        "dates are read in every form that servers write",
        arguments: [
            ("Mon, 21 Sep 2026 14:13:20 GMT", 1_790_000_000), ("Monday, 21-Sep-26 14:13:20 GMT", 1_790_000_000),
            ("Mon Sep 21 14:13:20 2026", 1_790_000_000), ("21 sep 2026 14:13:20", 1_790_000_000),
        ] as [(String, Int64)])
    func dates(_ text: String, _ seconds: Int64) {
        #expect(CookieDate.parse(text[...]) == WallTime(seconds: seconds))
    }

    @Test(
        "a date with a part missing or impossible is none",
        arguments: ["", "21 Sep 2026", "14:13:20", "32 Sep 2026 14:13:20", "21 Sep 2026 25:13:20", "21 Sep 1500 1:1:1"])
    func badDates(_ text: String) { #expect(CookieDate.parse(text[...]) == nil) }

    @Test("any bytes in a field are survived", arguments: 0..<50)
    func random(seed: Int) throws {
        let random = SeededRandom(seed: seed)
        let pieces = [
            "a", "=", ";", " ", "Path", "Max-Age", "Domain", ".", "-", "9", "\u{0}", "é", "Expires", ":", ",",
        ]
        for _ in 0..<50 {
            let field = (0..<Int(random.below(20))).map { _ in pieces[Int(random.below(UInt64(pieces.count)))] }
                .joined()
            let jar = try jar([field])
            #expect(jar.cookies.count <= 1, "seed \(seed)")
        }
    }
}

@Suite("A lock over awaits")
struct AsyncLockTests {
    @Test("one task at a time, in the order they came")
    func order() async throws {
        let (lock, gate, log) = (AsyncLock(), Gate(), LogRecorder())
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<5 {
                group.addTask {
                    try await lock.withLock { () async throws(GatewayError) in
                        if number == 0 { try await gate.pass() }
                        log.write(LogRecord(level: .info, event: "\(number)", fields: []))
                    }
                }
                while number == 0 ? gate.waitingCount < 1 : lock.waiterCount < number { await Task.yield() }
            }
            gate.open()
            try await group.waitForAll()
        }
        #expect(log.records.map(\.event) == ["0", "1", "2", "3", "4"])
    }

    @Test("a task that is cancelled while it waits leaves, and the lock stays usable")
    func cancelled() async throws {
        let (lock, gate) = (AsyncLock(), Gate())
        async let holder: Void = lock.withLock { () async throws(GatewayError) in try await gate.pass() }
        while gate.waitingCount < 1 { await Task.yield() }
        let waiter = Task { () async -> GatewayError? in
            do throws(GatewayError) {
                try await lock.withLock { () async throws(GatewayError) in }
                return nil
            } catch { return error }
        }
        while lock.waiterCount < 1 { await Task.yield() }
        waiter.cancel()
        let error = await waiter.value
        #expect(error?.kind == .cancelled)
        gate.open()
        try await holder
        let answer = try await lock.withLock { () async throws(GatewayError) in 7 }
        #expect(answer == 7)
    }
}
