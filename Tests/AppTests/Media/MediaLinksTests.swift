import PolluxCore
import PolluxTesting
import Testing

@testable import PolluxApp

@Suite("Links to stored media")
struct MediaLinksTests {
    private static let now = WallTime(seconds: 1_767_225_600)
    private static let name = "abcdefghijklmnopqrstuv.png"
    private let links = MediaLinks(stateKey: (1, 2))

    private func file(_ name: String = name, life: Duration? = .seconds(60)) -> StoredMedia {
        StoredMedia(
            name: name, mimeType: "image/png", byteCount: 1, createdAt: Self.now,
            expiresAt: life.map { Self.now + $0 }, draft: MediaDraft(owner: ""))
    }

    private func isValid(_ target: String, at now: WallTime = now, _ links: MediaLinks? = nil) -> Bool {
        let head = HTTPRequestHead(method: .get, target: target)
        return (links ?? self.links).isValid(head.path.dropFirst("/media/".count), query: head.query, now: now)
    }

    @Test("open the file until it expires, not a moment longer")
    func expiry() {
        let target = links.target(of: file(), now: Self.now)
        #expect(target.hasPrefix("/media/\(Self.name)?exp=1767225660&sig="))
        #expect(isValid(target))
        #expect(isValid(target, at: Self.now + .milliseconds(59_999)))
        #expect(!isValid(target, at: Self.now + .seconds(60)))
    }

    @Test("open a file without an end of its own for thirty days")
    func noEnd() {
        let target = links.target(of: file(life: nil), now: Self.now)
        #expect(isValid(target, at: Self.now + .seconds(30 * 86_400 - 1)))
        #expect(!isValid(target, at: Self.now + .seconds(30 * 86_400)))
    }

    @Test("cannot be made: another name, another end, another signature, none")
    func forged() throws {
        let target = links.target(of: file(), now: Self.now)
        let signature = try #require(target.split(separator: "=").last)
        let path = "/media/\(Self.name)"
        let forged = [
            path, "\(path)?", "\(path)?exp=1767225660", "\(path)?sig=\(signature)", "\(path)?exp=1767225660&sig=",
            "\(path)?exp=1767225661&sig=\(signature)", "\(path)?exp=+1767225660&sig=\(signature)",
            "\(path)?exp=99999999999999999999999&sig=\(signature)", "\(path)?exp=-1&sig=\(signature)",
            "\(path)?exp=1767225660&sig=AAAAAAAAAAAAAAAAAAAAAA", "\(path)?exp=1767225660&sig=\(signature)AA",
            "/media/bbcdefghijklmnopqrstuv.png?exp=1767225660&sig=\(signature)",
            "\(path)?exp=1767225660&sig=" + String(repeating: "A", count: 5000),
        ]
        for target in forged { #expect(!isValid(target), "\(target)") }
        // Every bit counts.
        for index in 0..<signature.count {
            var changed = Array(signature)
            changed[index] = changed[index] == "A" ? "Q" : "A"
            #expect(!isValid("\(path)?exp=1767225660&sig=\(String(changed))"), "\(index)")
        }
    }

    @Test("hold for the same state after a restart, and for no other state or process")
    func keys() {
        let target = links.target(of: file(), now: Self.now)
        #expect(isValid(target, MediaLinks(stateKey: (1, 2))))
        #expect(!isValid(target, MediaLinks(stateKey: (1, 3))))
        #expect(!isValid(target, MediaLinks(stateKey: nil)))
        let own = MediaLinks(stateKey: nil)
        #expect(!isValid(own.target(of: file(), now: Self.now), MediaLinks(stateKey: nil)))
    }

    @Test("are recognised whatever address the gateway was reached under")
    func ownName() {
        let target = links.target(of: file(), now: Self.now)
        for base in ["http://127.0.0.1:7860", "https://ai.example.org", "https://ai.example.org/deep/prefix"] {
            #expect(links.ownName(at: base + target, now: Self.now) == Self.name, "\(base)")
            #expect(links.ownName(at: base + target + "#part", now: Self.now) == Self.name)
        }
        let late = Self.now + .seconds(60)
        #expect(links.ownName(at: "http://a" + target, now: late) == nil)
        for url in [
            target, "file://" + target, "https://a/other" + target.dropFirst("/media".count), "https://a/media/x.png",
            "https://a/", "", "https://a" + target.replacing("sig=", with: "gis="),
        ] { #expect(links.ownName(at: url, now: Self.now) == nil, "\(url)") }
    }
}

@Suite("The address that links are made with")
struct PublicAddressTests {
    private func base(_ server: String, _ fields: HTTPFields, peer: String = "10.0.0.9") throws -> String {
        let settings = try SettingsText.settings(
            "server: {listen: \"127.0.0.1:7860\", \(server)}\nkeys: [{name: a, key: a-client-key-of-the-test}]")
        return PublicAddress(settings.settings.server).base(for: FakeExchange(fields: fields, peer: peer))
    }

    @Test("is the request's own host, with the prefix")
    func own() throws {
        #expect(try base("", ["host": "ai.example.org:8080"]) == "http://ai.example.org:8080")
        #expect(try base("", ["host": "[::1]:7860"]) == "http://[::1]:7860")
        #expect(try base("path_prefix: team/a", ["host": "h"]) == "http://h/team/a")
    }

    @Test("is what a trusted proxy says, and nobody else")
    func forwarded() throws {
        let fields: HTTPFields = [
            "host": "inner:7860", "x-forwarded-proto": "https, http", "x-forwarded-host": "ai.example.org, inner",
            "x-forwarded-prefix": "/gw/",
        ]
        #expect(try base("trusted_proxies: [10.0.0.9]", fields) == "https://ai.example.org/gw")
        #expect(try base("", fields) == "http://inner:7860")
        #expect(try base("trusted_proxies: [10.0.0.9], path_prefix: p", fields) == "https://ai.example.org/gw/p")
        let told: HTTPFields = ["host": "h", "x-forwarded-prefix": "/p"]
        #expect(try base("trusted_proxies: [10.0.0.9], path_prefix: p", told) == "http://h/p")
    }

    @Test("never holds what is no plain host, prefix or scheme: the listen address stands in")
    func hostile() throws {
        let hosts = [
            "", "a b", "evil.org/x", "evil.org?x", "evil.org#x", "user@evil.org", "evil.org:99999", "evil.org:", "a\"b",
            "<script>", "evil.org:80:80", "[::1", "[::1]x", "[g::1]", "[1]", "ä.org",
            String(repeating: "a", count: 256),
        ]
        for host in hosts { #expect(try base("", ["host": host]) == "http://127.0.0.1:7860", "\(host)") }
        #expect(try base("", [:]) == "http://127.0.0.1:7860")
        let fields: HTTPFields = [
            "host": "inner", "x-forwarded-proto": "javascript", "x-forwarded-host": "evil.org/x",
            "x-forwarded-prefix": "//evil.org",
        ]
        #expect(try base("trusted_proxies: [10.0.0.9]", fields) == "http://inner")
    }

    @Test("is what the operator says, if he says so")
    func fixed() throws {
        #expect(
            try base("public_url: \"https://ai.example.org/gw/\", path_prefix: p", ["host": "h"])
                == "https://ai.example.org/gw")
    }
}

@Suite("The part of a file that is asked for")
struct ByteRangeTests {
    @Test("is one range of bytes within the file")
    func parts() {
        let rows: [(String, Range<Int>)] = [
            ("bytes=0-0", 0..<1), ("bytes=0-", 0..<100), ("bytes=10-19", 10..<20), ("bytes=99-", 99..<100),
            ("bytes=50-1000", 50..<100), ("bytes=-1", 99..<100), ("bytes=-1000", 0..<100),
            ("bytes=0-99999999999999999999", 0..<100), ("bytes=-99999999999999999999", 0..<100),
        ]
        for (text, range) in rows { #expect(ByteRange(text, of: 100) == .part(range), "\(text)") }
    }

    @Test("is none behind its end")
    func unsatisfiable() {
        for text in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            #expect(ByteRange(text, of: 100) == .unsatisfiable, "\(text)")
        }
        #expect(ByteRange("bytes=0-", of: 0) == .unsatisfiable)
    }

    @Test("is the whole for everything else")
    func whole() {
        let others = [
            "", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=0-1,5-6", "bytes= 0-1", "items=0-1",
            "bytes=0-1-2", "bytes=+1-2", "bytes=0x1-2", "bytes=١-٢", String(repeating: "bytes=0-", count: 100),
        ]
        for text in others { #expect(ByteRange(text, of: 100) == .whole, "\(text)") }
        #expect(ByteRange(nil, of: 100) == .whole)
    }
}
