import PolluxCore
import PolluxCrypto

/// Links to stored media: `/media/<name>?exp=<seconds>&sig=<signature>`. Whoever has one may see the file until it
/// expires, and nobody can make one.
struct MediaLinks: Sendable {
    /// The path's first segment.
    static let segment = "media"
    /// Of a link to a file that stays until the room is needed.
    static let longestLife = Duration.seconds(30 * 86_400)
    private static let signatureBytes = 16
    /// Longer ones are none of ours.
    private static let longestURL = 2048

    private let key: [UInt8]

    /// - Parameter stateKey: Of the state; links made under it lead to their files after a restart, too. Without one
    ///   they end with the process, as the files do.
    init(stateKey: (UInt64, UInt64)?) {
        let random = SystemRandom()
        let (high, low) = stateKey ?? (random.next(), random.next())
        let secret = [high, low].flatMap { withUnsafeBytes(of: $0.bigEndian, Array.init) }
        // Derived: what it signs says nothing about the key itself, which has other uses.
        key = HMACSHA256.authenticate(Array("pollux media links".utf8), key: secret)
    }

    /// Path and query of a link.
    func target(of file: StoredMedia, now: WallTime) -> String {
        let end = (file.expiresAt ?? now + Self.longestLife).seconds
        let signature = Base64.encode(signature(file.name, String(end)), .urlSafe, padding: false)
        return "/\(Self.segment)/\(file.name)?exp=\(end)&sig=\(signature)"
    }

    /// Whether a query is that of a link to this file which has not expired.
    func isValid(_ name: some StringProtocol, query: Substring, now: WallTime) -> Bool {
        guard MediaName.isWellFormed(name), query.utf8.count <= 256 else { return false }
        var (end, proof) = ("", "")
        for (name, value) in PathDecoder.query(query) {
            if name == "exp" { end = value }
            if name == "sig" { proof = value }
        }
        guard (1...18).contains(end.utf8.count), end.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let seconds = Int64(end), let given = try? Base64.decode(proof, .urlSafe)
        else { return false }
        // Compared first, so that the time taken tells nothing about a guess.
        let isOurs = ConstantTime.areEqual(given, signature(String(name), end))
        return isOurs && now < WallTime(seconds: seconds)
    }

    /// The file that a link of ours leads to, under whatever address the gateway was reached; `nil` for every other
    /// URL, and for links that have expired.
    func ownName(at url: String, now: WallTime) -> String? {
        guard url.utf8.count <= Self.longestURL, url.hasPrefix("https://") || url.hasPrefix("http://"),
            let mark = url.utf8.firstIndex(of: UInt8(ascii: "?"))
        else { return nil }
        let segments = url[..<mark].split(separator: "/", omittingEmptySubsequences: false).suffix(2)
        guard segments.count == 2, let folder = segments.first, let name = segments.last, folder == Self.segment else {
            return nil
        }
        let query = url[url.utf8.index(after: mark)...].prefix { $0 != "#" }
        return isValid(name, query: query, now: now) ? String(name) : nil
    }

    private func signature(_ name: String, _ end: String) -> [UInt8] {
        Array(HMACSHA256.authenticate(Array("\(name)\n\(end)".utf8), key: key).prefix(Self.signatureBytes))
    }
}
