import PolluxCore
import PolluxStorage
import PolluxTesting
import Testing

/// What both stores promise: the one in a folder and the one in memory.
@Suite("Every store of media")
struct MediaStoreTests {
    private let folder: TemporaryFolder
    private let time = ManualTime()

    init() throws { folder = try TemporaryFolder() }

    enum Kind: CaseIterable { case folder, memory }

    private func store(
        _ kind: Kind, maxBytes: Int = 10_000, expireAfter: Duration? = .seconds(3600)
    ) throws -> any MediaKeeping {
        let rules = MediaRules(maxBytes: maxBytes, expireAfter: expireAfter)
        switch kind {
        case .folder:
            return try FolderMediaStore(folder.file("media"), rules, time: time, worker: InlineExecutor())
        case .memory: return MemoryMediaStore(rules, time: time)
        }
    }

    private func put(
        _ bytes: [UInt8], in store: any MediaKeeping, _ draft: MediaDraft = MediaDraft(owner: "key")
    ) async throws -> StoredMedia {
        let writer = try await store.create(draft)
        for start in stride(from: 0, to: bytes.count, by: 1000) {
            try await writer.write(Array(bytes[start..<min(start + 1000, bytes.count)]))
        }
        return try await writer.finish()
    }

    private func bytes(of name: String, in store: any MediaKeeping) async throws -> [UInt8]? {
        guard let reader = try await store.open(name, now: time.wallNow) else { return nil }
        var (whole, piece) = ([UInt8](), [UInt8]())
        repeat {
            piece = try await reader.read(from: whole.count, upTo: 700)
            whole += piece
        } while !piece.isEmpty
        return whole
    }

    @Test("gives back what was put in, byte for byte, with what is known of it", arguments: Kind.allCases)
    func roundTrip(_ kind: Kind) async throws {
        let store = try store(kind)
        let image = MediaSamples.png(5000)
        let draft = MediaDraft(owner: "key", model: "gemini-imagen", prompt: "a cat")
        let file = try await put(image, in: store, draft)
        #expect(MediaName.isWellFormed(file.name) && file.name.hasSuffix(".png"))
        #expect(file.mimeType == "image/png" && file.byteCount == 5000 && file.draft == draft)
        #expect(file.createdAt == time.wallNow && file.expiresAt == time.wallNow + .seconds(3600))
        #expect(store.find(file.name, now: time.wallNow) == file)
        #expect(try await bytes(of: file.name, in: store) == image)
        #expect(store.figures == MediaFigures(files: 1, bytes: 5000))
    }

    @Test("names a file by its bytes and not by what anybody says", arguments: Kind.allCases)
    func types(_ kind: Kind) async throws {
        let store = try store(kind)
        let film = try await put(MediaSamples.mp4(), in: store)
        let sound = try await put(MediaSamples.wav(), in: store)
        #expect(film.mimeType == "video/mp4" && film.name.hasSuffix(".mp4"))
        #expect(sound.mimeType == "audio/wav" && sound.name.hasSuffix(".wav"))
        for wrong in ["<html><script>alert(1)</script>", "", "%PDF-1.7"] {
            let writer = try await store.create(MediaDraft(owner: ""))
            try await writer.write(Array(wrong.utf8))
            let error = await #expect(throws: GatewayError.self) { _ = try await writer.finish() }
            #expect(error?.kind == .upstreamBadResponse)
        }
        #expect(store.list(now: time.wallNow).count == 2)
    }

    @Test(
        "shows nothing of a file that is not finished, and forgets one whose writer is dropped",
        arguments: Kind.allCases)
    func unfinished(_ kind: Kind) async throws {
        let store = try store(kind)
        var writer: (any MediaWriting)? = try await store.create(MediaDraft(owner: ""))
        try await writer?.write(MediaSamples.png(3000))
        #expect(store.list(now: time.wallNow).isEmpty)
        #expect(store.figures == MediaFigures(files: 0, bytes: 3000))
        writer = nil
        #expect(store.figures == MediaFigures(files: 0, bytes: 0))
        if kind == .folder { #expect(try folder.names(in: "media").isEmpty) }
    }

    @Test("takes no more bytes for a file that is finished", arguments: Kind.allCases)
    func finishedTwice(_ kind: Kind) async throws {
        let store = try store(kind)
        let writer = try await store.create(MediaDraft(owner: ""))
        try await writer.write(MediaSamples.png())
        _ = try await writer.finish()
        await #expect(throws: GatewayError.self) { try await writer.write([1]) }
        await #expect(throws: GatewayError.self) { _ = try await writer.finish() }
        #expect(store.figures == MediaFigures(files: 1, bytes: 64))
    }

    @Test("gives up the oldest when room is needed, never what is being written", arguments: Kind.allCases)
    func quota(_ kind: Kind) async throws {
        let store = try store(kind, maxBytes: 10_000)
        var files: [StoredMedia] = []
        for _ in 0..<3 {
            files.append(try await put(MediaSamples.png(3000), in: store))
            time.advance(by: .seconds(1))
        }
        let writer = try await store.create(MediaDraft(owner: ""))
        try await writer.write(MediaSamples.png(5000))
        #expect(store.list(now: time.wallNow) == [files[2]])
        #expect(try await bytes(of: files[0].name, in: store) == nil)
        let error = await #expect(throws: GatewayError.self) { try await writer.write(MediaSamples.png(5001)) }
        #expect(error?.kind == .upstreamTooLarge)
        #expect(error?.message.contains("media.max_bytes") == true)
    }

    @Test("hides what has expired at once, and removes it when it sweeps", arguments: Kind.allCases)
    func expiry(_ kind: Kind) async throws {
        let store = try store(kind, expireAfter: .seconds(60))
        let old = try await put(MediaSamples.png(), in: store)
        time.advance(by: .seconds(30))
        let young = try await put(MediaSamples.png(), in: store)
        time.advance(by: .seconds(30))
        #expect(store.find(old.name, now: time.wallNow) == nil)
        #expect(try await bytes(of: old.name, in: store) == nil)
        let swept = await store.sweep(now: time.wallNow)
        #expect(swept.map(\.name) == [old.name])
        #expect(store.list(now: time.wallNow) == [young])
        #expect(store.figures == MediaFigures(files: 1, bytes: 64))
        if kind == .folder { #expect(try folder.names(in: "media").count == 2) }
    }

    @Test("lists the newest first, and removes one when asked", arguments: Kind.allCases)
    func list(_ kind: Kind) async throws {
        let store = try store(kind)
        var files: [StoredMedia] = []
        for _ in 0..<3 {
            files.append(try await put(MediaSamples.png(), in: store))
            time.advance(by: .seconds(1))
        }
        #expect(store.list(now: time.wallNow) == files.reversed())
        #expect(await store.remove(files[1].name))
        #expect(await !store.remove(files[1].name))
        #expect(await !store.remove("../../etc/passwd"))
        #expect(store.list(now: time.wallNow) == [files[2], files[0]])
    }

    @Test("goes on reading a file that is removed meanwhile", arguments: Kind.allCases)
    func removedWhileRead(_ kind: Kind) async throws {
        let store = try store(kind)
        let image = MediaSamples.png(2000)
        let file = try await put(image, in: store)
        let reader = try #require(try await store.open(file.name, now: time.wallNow))
        #expect(await store.remove(file.name))
        #expect(try await reader.read(from: 500, upTo: 10) == Array(image[500..<510]))
        #expect(try await reader.read(from: 1990, upTo: 100) == Array(image[1990...]))
        for offset in [2000, 9999, .max, -1, .min] {
            #expect(try await reader.read(from: offset, upTo: .max).isEmpty)
        }
    }

    @Test("follows other rules at once", arguments: Kind.allCases)
    func change(_ kind: Kind) async throws {
        let store = try store(kind)
        for _ in 0..<3 {
            _ = try await put(MediaSamples.png(1000), in: store)
            time.advance(by: .seconds(1))
        }
        await store.change(MediaRules(maxBytes: 1500, expireAfter: nil))
        let left = store.list(now: time.wallNow + .seconds(1_000_000))
        #expect(left.count == 1 && left.first?.expiresAt == nil)
        await #expect(throws: GatewayError.self) { _ = try await put(MediaSamples.png(1501), in: store) }
    }

    @Test("keeps no more of a prompt than the beginning", arguments: Kind.allCases)
    func longPrompt(_ kind: Kind) async throws {
        let store = try store(kind)
        let draft = MediaDraft(owner: "k", model: "m", prompt: String(repeating: "é", count: 5000))
        let file = try await put(MediaSamples.png(), in: store, draft)
        #expect(file.draft.prompt == String(repeating: "é", count: 300))
    }
}
