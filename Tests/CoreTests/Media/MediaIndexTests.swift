import PolluxCore
import PolluxTesting
import Testing

@Suite("The index of a media store")
struct MediaIndexTests {
    private static let start = WallTime(seconds: 1_767_225_600)

    private func file(_ name: String, _ bytes: Int, after seconds: Int = 0) -> StoredMedia {
        StoredMedia(
            name: name, mimeType: "image/png", byteCount: bytes, createdAt: Self.start + .seconds(seconds),
            expiresAt: nil, draft: MediaDraft(owner: "k"))
    }

    private func names(_ files: [StoredMedia]) -> [String] { files.map(\.name) }

    @Test("takes the oldest out when the room is needed, whatever the order they were found in")
    func quota() {
        var index = MediaIndex(MediaRules(maxBytes: 100, expireAfter: nil))
        for (name, seconds) in [("b", 2), ("c", 3), ("a", 1)] {
            let removed = index.restore(file(name, 30, after: seconds))
            #expect(removed.isEmpty)
        }
        let removed = index.restore(file("d", 60, after: 4))
        #expect(names(removed) == ["a", "b"])
        #expect(names(index.list(now: Self.start)) == ["d", "c"])
        #expect(index.figures == MediaFigures(files: 2, bytes: 90))
    }

    @Test("never takes out what is being written, and refuses what has no room beside it")
    func writing() throws {
        var index = MediaIndex(MediaRules(maxBytes: 100, expireAfter: nil))
        _ = index.restore(file("a", 40))
        #expect(names(try index.reserve(50)).isEmpty)
        #expect(names(try index.reserve(20)) == ["a"])
        let error = #expect(throws: GatewayError.self) { _ = try index.reserve(31) }
        #expect(error?.kind == .upstreamTooLarge)
        #expect(throws: GatewayError.self) { _ = try index.reserve(.max) }
        #expect(index.figures == MediaFigures(files: 0, bytes: 70))
        index.release(20)
        let removed = index.finish(file("b", 50))
        #expect(removed.isEmpty)
        #expect(index.figures == MediaFigures(files: 1, bytes: 50))
    }

    @Test("hides a file from the moment it expires, and gives it up at the next sweep")
    func expiry() {
        var index = MediaIndex(MediaRules(maxBytes: 100, expireAfter: .seconds(10)))
        _ = index.restore(file("a", 1))
        _ = index.restore(file("b", 1, after: 5))
        let (before, end) = (Self.start + .milliseconds(9999), Self.start + .seconds(10))
        #expect(index.find("a", now: before)?.expiresAt == end)
        #expect(index.find("a", now: end) == nil)
        #expect(names(index.list(now: end)) == ["b"])
        #expect(names(index.sweep(now: end)) == ["a"])
        #expect(names(index.sweep(now: end)).isEmpty)
        #expect(index.figures == MediaFigures(files: 1, bytes: 1))
    }

    @Test("follows changed rules at once: less room, another age, none at all")
    func change() {
        var index = MediaIndex(MediaRules(maxBytes: 100, expireAfter: .seconds(10)))
        for number in 0..<4 { _ = index.restore(file("f\(number)", 20, after: number)) }
        #expect(names(index.change(MediaRules(maxBytes: 50, expireAfter: nil))) == ["f0", "f1"])
        let late = Self.start + .seconds(1_000_000)
        #expect(index.find("f2", now: late) != nil)
        #expect(index.find("f2", now: late)?.expiresAt == nil)
        #expect(index.sweep(now: late).isEmpty)
        _ = index.change(MediaRules(maxBytes: 50, expireAfter: .seconds(1)))
        #expect(names(index.sweep(now: late)) == ["f2", "f3"])
    }

    @Test("does not believe in sizes that no file here may have, nor in one name twice")
    func odd() {
        var index = MediaIndex(MediaRules(maxBytes: 100, expireAfter: nil))
        let huge = file("huge", .max)
        #expect(names(index.restore(huge)) == ["huge"])
        _ = index.restore(file("a", 10))
        #expect(names(index.restore(file("a", 10))).isEmpty)
        #expect(index.figures == MediaFigures(files: 1, bytes: 10))
    }

    @Test("holds its figures and its order over any sequence of steps")
    func random() throws {
        let seed = UInt64.random(in: 0...9999)
        let random = SeededRandom(seed: seed)
        var index = MediaIndex(MediaRules(maxBytes: 1000, expireAfter: .seconds(100)))
        var model: [String: StoredMedia] = [:]
        var now = Self.start
        for step in 0..<2000 {
            now = now + .milliseconds(Int64(random.below(3000)))
            var made = file("f\(step)", Int(random.below(300)) + 1)
            made.createdAt = now
            var removed: [StoredMedia] = []
            switch random.below(6) {
            case 0: removed = index.sweep(now: now)
            case 1:
                let name = model.keys.sorted().first ?? "none"
                removed = [index.remove(name)].compactMap(\.self)
                #expect(removed.isEmpty == (model[name] == nil))
            default:
                removed = try index.reserve(made.byteCount)
                removed += index.finish(made)
                model[made.name] = made
            }
            for file in removed { model[file.name] = nil }
            let sum = model.values.reduce(0) { $0 + $1.byteCount }
            #expect(index.figures == MediaFigures(files: model.count, bytes: sum), "seed \(seed), step \(step)")
            #expect(sum <= 1000, "seed \(seed), step \(step)")
            let listed = index.list(now: .init(microseconds: 0)).map(\.name)
            let expected = model.values.sorted { ($0.createdAt, $0.name) > ($1.createdAt, $1.name) }.map(\.name)
            #expect(listed == expected, "seed \(seed), step \(step)")
        }
    }
}
