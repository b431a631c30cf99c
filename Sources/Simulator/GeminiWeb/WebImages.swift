import PolluxCore
import PolluxCrypto

/// Downloads: the hops to a generated picture, and files that take a while (protocol notes, sections 12 and 15.3).
extension GeminiWebSimulator {
    func imageReply(to visit: WebVisit, _ path: WebImagePath) throws(WebRefusal) -> WebReply {
        guard let item = withState({ $0.medium(path.id) }) else { throw WebRefusal(status: 404, "no such picture") }
        switch item.kind {
        case .image: return try hopReply(to: visit, path)
        case .picture: return Self.file(WebImageSize("").png(of: item.id), type: "image/png")
        case .video, .audio:
            // Still being made when it is first asked for.
            guard withState({ $0.countDownload(of: item.id) }) > 0 else {
                return .text("", status: 206, verdict: "still being made")
            }
            if item.kind == .audio { return Self.file(MP3Sample.silence, type: "audio/mpeg") }
            let frame = PNGSample.square(colour: SHA256.hash(Array(item.id.utf8)))
            return Self.file(MP4Sample.oneFrame(png: frame), type: "video/mp4")
        }
    }

    /// `/gg/` leads to `/rd-gg/`, which knows the account by its cookies and leads to an address that is signed.
    private func hopReply(to visit: WebVisit, _ path: WebImagePath) throws(WebRefusal) -> WebReply {
        let request = visit.request
        let isText = request.queryValue("alr") == "yes"
        guard path.isRedirected else {
            return Self.hop(to: "\(request.origin)\(path.redirected)\(isText ? "?alr=yes" : "")", isText: isText)
        }
        let signature = withState { $0.signature(of: path.text) }
        if let given = request.queryValue("sig") {
            guard given == signature else { throw WebRefusal(status: 403, "the address is not signed") }
            return Self.file(WebImageSize(path.suffix).png(of: path.id), type: "image/png")
        }
        guard visit.caller.isSignedIn else { throw WebRefusal(status: 403, "no account's cookies") }
        return Self.hop(to: "\(request.origin)\(path.text)?sig=\(signature)", isText: isText)
    }

    private static func hop(to url: String, isText: Bool) -> WebReply {
        if isText { return .text(url) }
        return .whole(HTTPAnswer(status: 302, fields: ["location": url]), verdict: "ok")
    }

    private static func file(_ bytes: [UInt8], type: String) -> WebReply {
        .whole(HTTPAnswer(status: 200, fields: ["content-type": type], body: bytes), verdict: "ok")
    }
}

/// `/gg-dl/<id>=<suffix>` and its kin.
struct WebImagePath: Equatable, Sendable {
    /// `gg` or `gg-dl`
    let folder: String
    let isRedirected: Bool
    let id: String
    /// What follows the id, with its `=`; empty without one.
    let suffix: String

    private static let mark = "rd-"
    private static let longestSuffix = 64

    init?(_ path: Substring) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].isEmpty else { return nil }
        isRedirected = parts[1].hasPrefix(Self.mark)
        folder = String(isRedirected ? parts[1].dropFirst(Self.mark.count) : parts[1])
        let name = SimulatedRequest.percentDecoded(parts[2])
        let end = name.firstIndex(of: "=") ?? name.endIndex
        (id, suffix) = (String(name[..<end]), String(name[end...]))
        guard folder == "gg" || folder == "gg-dl", WebCookies.isName(id), suffix.utf8.count <= Self.longestSuffix,
            WebCookies.isName(suffix.isEmpty ? "-" : String(suffix.dropFirst()))
        else { return nil }
    }

    var text: String { "/\(isRedirected ? Self.mark : "")\(folder)/\(id)\(suffix)" }

    /// The same behind the first hop.
    var redirected: String { "/\(Self.mark)\(folder)/\(id)\(suffix)" }
}

/// How large the picture at an address is: the stored original, or its longest side at most 2048.
struct WebImageSize: Equatable, Sendable {
    let width: Int
    let height: Int

    private static let original = WebImageSize(width: 2816, height: 1536)
    private static let largestSide = 2048
    private static let usualSide = 512

    private init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    /// - Parameter suffix: `=d-I`, `=s1024`, `=s2048-rj`; anything else is the usual size.
    init(_ suffix: String) {
        if suffix.hasPrefix("=d-I") {
            self = Self.original
            return
        }
        let digits = suffix.hasPrefix("=s") ? suffix.dropFirst(2).prefix { $0.isASCII && $0.isNumber } : ""
        let side = max(1, min(Int(digits) ?? Self.usualSide, Self.largestSide))
        let height = (side * Self.original.height + Self.original.width / 2) / Self.original.width
        self.init(width: side, height: max(1, height))
    }

    func png(of id: String) -> [UInt8] {
        PNGSample.plain(width: width, height: height, colour: SHA256.hash(Array("\(width) \(id)".utf8)))
    }
}
