import PolluxCore
import PolluxTesting
import Synchronization
import Testing

@Suite("Files that clients name are fetched under guard (S-1 to S-9)")
struct GuardedIntakeTests {
    static let refusal = GatewayError.invalid("messages", "the URL could not be used", code: "invalid_image_url")
    private static let loopback = IPAddress.v4(0x7F00_0001)

    @Test("a picture comes as it is, with the type of its bytes and a plain name")
    func picture() async throws {
        let world = IntakeWorld(.file(MediaSample.jpeg(), type: "image/png"))
        let taken = try await world.take("https://example.org/a/My%20photo.png?sig=secret")
        let name = "My_photo.png.jpg"
        #expect(taken == [TakenMedia(bytes: MediaSample.jpeg(), mimeType: "image/jpeg", fileName: name)])
        #expect(world.results == [.ok])
        #expect(world.transport.openBodyCount == 0)
        let sent = try #require(world.transport.requests.first)
        #expect(sent.url == "https://example.org/a/My%20photo.png?sig=secret")
        #expect(sent.maxResponseBytes == 20 << 20)
        #expect(
            sent.deadlines
                == TransferDeadlines(
                    connect: .seconds(3), firstByte: .seconds(5), gap: .seconds(15), total: .seconds(15)))
    }

    /// Described by its first words alone: some hold megabytes.
    struct Failure: Sendable, CustomTestStringConvertible {
        let what: String
        var testDescription: String { what }
        let result: FetchResult
        var url = "https://example.org/a.png?token=secret"
        var rules = FetchRules(.public)
        var response = FakeResponse.file(MediaSample.png())
        var error: GatewayError?
        var address: IPAddress?
    }

    private static func failed(_ kind: GatewayError.Kind) -> GatewayError {
        GatewayError(kind, .endpoint, "the upstream failed", detail: "libcurl 7")
    }

    static let failures: [Failure] = [
        Failure(what: "a scheme", result: .refusedURL, url: "ftp://example.org/"),
        Failure(what: "user info", result: .refusedURL, url: "https://me:secret@example.org/"),
        Failure(what: "fetching is off", result: .refusedURL, rules: FetchRules(.off)),
        Failure(what: "not on the list", result: .refusedURL, rules: FetchRules(.allowList)),
        Failure(what: "a private address", result: .refusedAddress, address: loopback),
        Failure(
            what: "an own address", result: .refusedAddress,
            rules: FetchRules(.public, ownAddresses: [.v4(0x5DB8_D822)])),
        Failure(
            what: "a denied address", result: .refusedAddress,
            rules: FetchRules(.public, denied: [CIDR("93.184.0.0/16")].compactMap(\.self))),
        Failure(what: "a closed port", result: .unreachable, error: failed(.upstreamUnreachable)),
        Failure(what: "bad TLS", result: .unreachable, error: failed(.upstreamTLS)),
        Failure(what: "a reset", result: .unreachable, error: failed(.upstreamReset)),
        Failure(what: "a filtered port", result: .timeout, error: failed(.upstreamTimeout)),
        Failure(what: "no HTTP", result: .badStatus, error: failed(.upstreamBadResponse)),
        Failure(what: "too many bytes for the transport", result: .tooLarge, error: failed(.upstreamTooLarge)),
        Failure(what: "not found", result: .badStatus, response: FakeResponse(404, text: "no")),
        Failure(what: "partial", result: .badStatus, response: FakeResponse(206, pieces: [MediaSample.png()])),
        Failure(what: "a redirect to nowhere", result: .redirect, response: FakeResponse(302)),
        Failure(what: "a redirect to a file", result: .redirect, response: .redirect("file:///etc/passwd")),
        Failure(what: "https to http", result: .redirect, response: .redirect("http://example.org/")),
        Failure(what: "a ring", result: .redirect, response: .redirect("/a.png")),
        Failure(
            what: "a page", result: .badType, response: .file(MediaSample.text("<!doctype html>"), type: "image/png")),
        Failure(what: "text", result: .badType, response: .file(MediaSample.text("hello"), type: "image/png")),
        Failure(what: "nothing", result: .badType, response: FakeResponse()),
        Failure(what: "a type of the other purpose", result: .badType, response: .file(MediaSample.bmp())),
        Failure(
            what: "an encoding", result: .badType,
            response: FakeResponse(fields: ["content-encoding": "gzip"], pieces: [MediaSample.png()])),
        Failure(
            what: "a broken body", result: .unreachable,
            response: FakeResponse(pieces: [MediaSample.png()], failure: failed(.upstreamTruncated))),
        Failure(
            what: "a stated length", result: .tooLarge,
            response: FakeResponse(fields: ["content-length": "20971521"], pieces: [MediaSample.png()])),
        Failure(
            what: "a length that was a lie", result: .tooLarge,
            response: FakeResponse(
                fields: ["content-length": "20"], pieces: [MediaSample.png(), [UInt8](repeating: 0, count: 20 << 20)])),
        Failure(what: "a huge picture", result: .tooLarge, response: .file(MediaSample.png(20_000, 20_000))),
    ]

    @Test(
        "whatever the reason, a client sees one error, and the log has the reason without the query",
        arguments: failures)
    func oneError(_ failure: Failure) async throws {
        let addresses = failure.address.map { ["example.org": $0] } ?? [:]
        let world = IntakeWorld(failure.rules, addresses: addresses) { (_) throws(GatewayError) in
            if let error = failure.error { throw error }
            return failure.response
        }
        #expect(await world.failure(failure.url) == Self.refusal, "\(failure.what)")
        #expect(world.results == [failure.result], "\(failure.what)")
        let records = world.log.records.filter { $0.event == "a URL of a request was not used" }
        #expect(records.count == 1)
        let fields = records.first?.fields ?? []
        #expect(fields.contains(LogField("result", failure.result.rawValue)))
        #expect(fields.map(\.name) == ["result", "host", "reason"])
        #expect(!fields.contains(LogField("reason", "")), "\(failure.what)")
        #expect(!"\(fields)".contains("secret") && !"\(fields)".contains("token"))
        #expect(world.transport.openBodyCount == 0)
    }

    @Test("three redirects are followed, each judged anew; a fourth is one too many")
    func redirects() async throws {
        let world = IntakeWorld { (request) throws(GatewayError) in
            switch request.url {
            case "http://a.example/1": .redirect("http://b.example/2", status: 301)
            case "http://b.example/2": .redirect("https://c.example/dir/3", status: 307)
            case "https://c.example/dir/3": .redirect("4.png", status: 303)
            case "https://c.example/dir/4.png": .file(MediaSample.png())
            default: .redirect("http://a.example/1", status: 308)
            }
        }
        let taken = try await world.take("http://a.example/1")
        #expect(taken.map(\.fileName) == ["4.png"])
        #expect(world.transport.requests.count == 4)
        #expect(await world.failure("http://start.example/0") == Self.refusal)
        #expect(world.results == [.ok, .redirect])
    }

    @Test("a public host that leads to a private one gets no further")
    func redirectInside() async throws {
        let world = IntakeWorld(addresses: ["inside.example": Self.loopback]) { (request) throws(GatewayError) in
            .redirect("http://inside.example/latest/meta-data/")
        }
        #expect(await world.failure("http://outside.example/") == Self.refusal)
        #expect(world.results == [.refusedAddress])
        #expect(world.transport.requests.map(\.url) == ["http://outside.example/"])
    }

    @Test("an allowed host may have any address, at its port alone, and the list is asked at each redirect")
    func allowedHost() async throws {
        let host = try #require(FetchHost("store.example:8080"))
        for mode in [FetchRules.Mode.public, .allowList] {
            let rules = FetchRules(mode, allowedHosts: [host])
            let world = IntakeWorld(rules, addresses: ["store.example": Self.loopback]) { (_) throws(GatewayError) in
                .file(MediaSample.png())
            }
            #expect(try await world.take("http://Store.example:8080/a").count == 1)
            #expect(await world.failure("http://store.example:8081/a") == Self.refusal)
            #expect(await world.failure("http://store.example/a") == Self.refusal)
        }
        let rules = FetchRules(.allowList, allowedHosts: [host])
        let world = IntakeWorld(rules) { (_) throws(GatewayError) in .redirect("http://other.example/") }
        #expect(await world.failure("http://store.example:8080/") == Self.refusal)
        #expect(world.results == [.refusedURL])
    }

    @Test("nothing is asked when one of the URLs, or of the bytes beside them, cannot be used")
    func nothingIsAsked() async throws {
        let world = IntakeWorld(.file(MediaSample.png()))
        let good = Media(.image, mimeType: "", .url("https://example.org/a.png"))
        for bad in [
            Media(.image, mimeType: "", .url("http://a b/")), Media(.image, mimeType: "image/png", .inline([1, 2, 3])),
            Media(.image, mimeType: "", .file(id: "file-1")), Media(.image, mimeType: "", .url("gs://bucket/a")),
        ] {
            #expect(await world.failure([good, bad]) != nil)
        }
        #expect(world.transport.requests.isEmpty)
    }

    @Test("a gs:// address is refused with a word on what to do")
    func cloudStorage() async throws {
        let world = IntakeWorld(.file(MediaSample.png()))
        let error = await world.failure("gs://bucket/a.png")
        #expect(error?.code == "invalid_image_url" && error?.message.contains("https") == true)
    }

    @Test("four at a time, in their order, and 32 in all")
    func parallel() async throws {
        let gate = Gate()
        let running = Mutex(0)
        let world = IntakeWorld { (request) throws(GatewayError) in
            running.withLock { $0 += 1 }
            try await gate.pass()
            return .file(MediaSample.png(UInt32(request.url.utf8.count), 1))
        }
        let media = (1...9).map {
            Media(.image, mimeType: "", .url("http://example.org/" + String(repeating: "a", count: $0)))
        }
        async let taken = world.intake.take(media, for: .image)
        while running.withLock({ $0 }) < 4 { await Task.yield() }
        #expect(world.transport.requests.count == 4)
        gate.open()
        let widths = try await taken.compactMap { PixelSize.read($0.bytes, "image/png")?.width }
        #expect(widths == (1...9).map { 19 + $0 })
        let tooMany = [Media](repeating: media[0], count: 33)
        #expect(await world.failure(tooMany)?.message.contains("32") == true)
    }

    @Test("all files of a request count together, those that came along included")
    func budget() async throws {
        let picture = MediaSample.png() + [UInt8](repeating: 0, count: 15 << 20)
        let world = IntakeWorld(.file(picture))
        let own = Media(.image, mimeType: "image/png", .inline(picture))
        let foreign = Media(.image, mimeType: "", .url("http://example.org/"))
        #expect(await world.failure([own, foreign]) == nil)
        #expect(await world.failure([own, foreign, foreign]) == Self.refusal)
        #expect(await world.failure([own, own, own])?.message.contains("40 MiB together") == true)
        #expect(await world.failure([own, own, own], for: .attachment) == nil)
        let large = Media(.image, mimeType: "image/png", .inline(picture + [UInt8](repeating: 0, count: 6 << 20)))
        #expect(await world.failure([large]) != nil)
        #expect(await world.failure([large], for: .attachment) == nil)
    }

    @Test("redirects and slow answers share one time, 15 s for pictures and 120 s for attachments")
    func time() async throws {
        let times = Mutex<[Duration]>([])
        let clock = Mutex<ManualTime?>(nil)
        let world = IntakeWorld { (request) throws(GatewayError) in
            times.withLock { $0.append(request.deadlines?.total ?? .zero) }
            clock.withLock { $0 }?.advance(by: .seconds(6))
            return .redirect("/next")
        }
        clock.withLock { $0 = world.time }
        #expect(await world.failure("http://example.org/") == Self.refusal)
        #expect(times.withLock { $0 } == [.seconds(15), .seconds(9), .seconds(3)])
        #expect(world.results == [.timeout])
        _ = await world.failure("http://example.org/", for: .attachment)
        #expect(times.withLock { $0 }.dropFirst(3).first == .seconds(120))
    }

    @Test("one that fails ends the others, and a client that goes away is nobody's fault")
    func cancellation() async throws {
        let gate = Gate()
        let world = IntakeWorld { (request) throws(GatewayError) in
            if request.url.hasSuffix("bad") { return FakeResponse(404) }
            try await gate.pass()
            return .file(MediaSample.png())
        }
        async let error = world.failure(["slow", "bad"].map { Media(.image, mimeType: "", .url("http://a/\($0)")) })
        while world.results.isEmpty { await Task.yield() }
        gate.open()
        #expect(await error == Self.refusal)
        #expect(world.results.filter { $0 != .ok } == [.badStatus])
        let cancelled = IntakeWorld { (_) throws(GatewayError) in throw .cancelled }
        #expect(await cancelled.failure("http://a/")?.kind == .cancelled)
        #expect(cancelled.results.isEmpty && cancelled.log.records.isEmpty)
    }
}
