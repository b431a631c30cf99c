import PolluxCore
import PolluxTesting
import Testing

@Suite("What a file is, and whether it is taken (S-7)")
struct MediaJudgementTests {
    /// What is said of a file, and what it is then; `nil` when it is not taken.
    struct Case: Sendable {
        let what: String
        let expected: String?
        var bytes = MediaSample.text("x,y\n")
        var url = "https://example.org/get"
        var declared = ""
        var response = ""
    }

    private static let page = MediaSample.text("<!doctype html><title>Sign in</title>")
    private static let noText: [UInt8] = [0, 1, 2, 3]

    static let attachments: [Case] = [
        Case(
            what: "bytes before all claims", expected: "image/png", bytes: MediaSample.png(), url: "https://e/a.pdf",
            declared: "application/pdf", response: "text/plain"),
        Case(
            what: "the client's word on text", expected: "text/x-python", declared: "text/x-python",
            response: "text/css"),
        Case(what: "the server's word on text", expected: "text/csv", url: "https://e/a.py", response: "text/csv; a=b"),
        Case(
            what: "plain text says no more than the extension", expected: "text/x-python", url: "https://e/a.py",
            response: "text/plain"),
        Case(what: "an unknown sort of text", expected: "text/plain", response: "text/x-unheard"),
        Case(what: "text of no name", expected: "text/plain"),
        Case(what: "text for a table program", expected: "text/plain", url: "https://e/a.xls"),
        Case(what: "text in place of a picture", expected: nil, url: "https://e/a.png"),
        Case(what: "text in place of a PDF", expected: nil, response: "application/pdf"),
        Case(
            what: "nothing in the bytes: the server's word", expected: "video/mp4", bytes: noText,
            url: "https://e/a.zip",
            response: "video/mp4"),
        Case(
            what: "nothing in the bytes: the extension", expected: "application/zip", bytes: noText,
            url: "https://e/a.ZIP", response: "application/octet-stream"),
        Case(what: "nothing in the bytes, named as text", expected: nil, bytes: noText, url: "https://e/a.txt"),
        Case(what: "nothing that says anything", expected: nil, bytes: noText),
        Case(
            what: "a page that was asked for", expected: "text/html", bytes: page, url: "https://e/",
            response: "text/html"),
        Case(what: "a page with an extension that fits", expected: "text/html", bytes: page, url: "https://e/a.htm"),
        Case(
            what: "a page, though the URL says PDF", expected: nil, bytes: page, url: "https://e/a.pdf",
            response: "text/html"),
        Case(what: "a page, though the client says PNG", expected: nil, bytes: page, declared: "image/png"),
        Case(what: "a page, though the server says CSV", expected: nil, bytes: page, response: "text/csv"),
        Case(what: "a page within a program", expected: "text/x-php", bytes: page, url: "https://e/a.php"),
        Case(what: "an archive that nobody takes", expected: nil, bytes: MediaSample.text("Rar!\u{1A}\u{7}\u{0}")),
        Case(
            what: "a film that is only heard", expected: "audio/mp4", bytes: MediaSample.ftyp("isom"),
            url: "https://e/a.m4a"),
        Case(what: "a picture cut before its size", expected: nil, bytes: Array(MediaSample.png().prefix(20))),
        Case(what: "a picture of a size that is not told", expected: "image/heic", bytes: MediaSample.ftyp("heic")),
        Case(what: "a picture too large", expected: nil, bytes: MediaSample.jpeg(20_000, 10)),
    ]

    @Test("an attachment is what its bytes say, else what it is said to be", arguments: attachments)
    func attachment(_ row: Case) async throws {
        let world = IntakeWorld(.file(row.bytes, type: row.response))
        let media = Media(.document, mimeType: row.declared, .url(row.url))
        let taken = try? await world.intake.take([media], for: .attachment)
        #expect(taken?.first?.mimeType == row.expected, "\(row.what)")
        #expect(world.results.count == 1)
        if row.expected == nil, row.bytes.count < 100 { #expect(world.results != [.ok]) }
    }

    @Test("the purpose image takes the few types that it takes, by bytes alone")
    func image() async throws {
        let allowed = [
            "image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "image/heif", "application/pdf",
            "audio/wav", "audio/mpeg", "video/mp4",
        ]
        let rows =
            MediaSnifferTests.pictures + MediaSnifferTests.sounds + MediaSnifferTests.films
            + MediaSnifferTests.documents + MediaSnifferTests.markup
        for row in rows {
            let world = IntakeWorld(.file(row.bytes, type: "image/png"))
            let isTaken = await world.failure("https://example.org/") == nil
            #expect(isTaken == allowed.contains(row.type), "\(row.type)")
            let media = Media(.image, mimeType: "image/png", .inline(row.bytes))
            let isTakenInline = await world.failure([media]) == nil
            #expect(isTakenInline == allowed.contains(row.type), "\(row.type)")
        }
    }

    @Test("bytes that came along are judged alike; what is not known is named")
    func inline() async throws {
        let world = IntakeWorld(.file([]))
        func type(_ declared: String, _ bytes: [UInt8], name: String? = nil) async throws -> TakenMedia? {
            let media = Media(.document, mimeType: declared, .inline(bytes), displayName: name)
            return try await world.intake.take([media], for: .attachment).first
        }
        #expect(try await type("image/jpeg", MediaSample.png())?.mimeType == "image/png")
        #expect(try await type("", MediaSample.text("a"), name: "b.md")?.mimeType == "text/markdown")
        #expect(try await type("audio/x-wav", [1, 2, 3, 4])?.mimeType == "audio/wav")
        #expect(try await type("text/x-rust", MediaSample.text("fn"))?.fileName == "file.rs")
        for (declared, bytes) in [("application/x-foo", [0, 1]), ("application/x-foo", MediaSample.text("a"))] {
            let error = await world.failure([Media(.document, mimeType: declared, .inline(bytes))], for: .attachment)
            #expect(error?.kind == .invalidRequest && error?.scope == .request && error?.code == "invalid_image_url")
            #expect(error?.message.contains("application/x-foo is not a known type") == true)
        }
        #expect(world.results.isEmpty && world.transport.requests.isEmpty)
    }

    @Test("a link of our own is read from the store, whatever its host; one that has gone is as any URL")
    func ownFiles() async throws {
        let bytes = MediaSample.png() + [UInt8](repeating: 7, count: 3 << 20)
        let store = OneFileStore(name: "abc.png", bytes: bytes)
        let own = GuardedIntake.OwnFiles(store: store) { url in
            url.hasPrefix("http://gateway.test/media/") ? String(url.dropFirst(26).prefix { $0 != "?" }) : nil
        }
        let world = IntakeWorld(FetchRules(.off), own: own) { (_) throws(GatewayError) in .file([]) }
        let taken = try await world.take("http://gateway.test/media/abc.png?exp=1&sig=x")
        #expect(taken == [TakenMedia(bytes: bytes, mimeType: "image/png", fileName: "abc.png")])
        #expect(await world.failure("http://gateway.test/media/gone.png") == GuardedIntakeTests.refusal)
        #expect(world.transport.requests.isEmpty)
    }
}

/// A store with one file.
private final class OneFileStore: MediaStoring {
    private let file: StoredMedia
    private let bytes: [UInt8]

    init(name: String, bytes: [UInt8]) {
        file = StoredMedia(
            name: name, mimeType: "image/png", byteCount: bytes.count, createdAt: WallTime(seconds: 0), expiresAt: nil,
            draft: MediaDraft(owner: "key"))
        self.bytes = bytes
    }

    func create(_ draft: MediaDraft) async throws(GatewayError) -> any MediaWriting { throw .cancelled }
    func find(_ name: String, now: WallTime) -> StoredMedia? { name == file.name ? file : nil }
    func open(_ name: String, now: WallTime) async throws(GatewayError) -> (any MediaReading)? {
        name == file.name ? Reader(file, bytes) : nil
    }
    func list(now: WallTime) -> [StoredMedia] { [file] }
    func remove(_ name: String) async -> Bool { false }
    func sweep(now: WallTime) async -> [StoredMedia] { [] }

    private final class Reader: MediaReading {
        let about: StoredMedia
        private let bytes: [UInt8]
        init(_ about: StoredMedia, _ bytes: [UInt8]) { (self.about, self.bytes) = (about, bytes) }
        func read(from offset: Int, upTo count: Int) async throws(GatewayError) -> [UInt8] {
            Array(bytes[offset...].prefix(count))
        }
    }
}
