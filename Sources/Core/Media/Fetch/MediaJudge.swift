/// Decides what a file is, and whether it is taken (reliability requirement S-7).
struct MediaJudge {
    /// What others say about a file; each may be empty.
    struct Claims {
        /// By the client, beside the file or in the data URL.
        var declared = ""
        /// By the server.
        var response = ""
        /// By the extension of the URL, or of the client's name for the file.
        var byName = ""
    }

    /// Why a file is not taken.
    struct Refusal: Error {
        let result: FetchResult
        /// Says what the file is; safe for the client who sent the bytes, and for the log.
        let reason: String
    }

    let purpose: MediaPurpose

    /// - Returns: The type, in the spelling of `MediaTypes`.
    func type(of bytes: [UInt8], _ claims: Claims) throws(Refusal) -> String {
        let type = try judgedType(of: bytes, claims)
        if MediaTypes.isRefused(type) { throw .type("\(type) is not supported; send what the archive holds") }
        if purpose == .image, !Self.imageTypes.contains(type) {
            throw .type("\(type) is not supported here; send PNG, JPEG, GIF, WebP, HEIC, PDF, WAV, MP3 or MP4")
        }
        try checkPixels(bytes, type)
        return type
    }

    /// For the purpose `image`. HEIF is HEIC by another coding.
    private static let imageTypes: Set<String> = [
        "image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "image/heif", "application/pdf",
        "audio/wav", "audio/mpeg", "video/mp4",
    ]

    private func judgedType(of bytes: [UInt8], _ claims: Claims) throws(Refusal) -> String {
        guard !bytes.isEmpty else { throw .type("it holds no bytes") }
        let named = [claims.declared, claims.response, claims.byName].filter { !MediaTypes.isGeneric($0) }
        switch MediaSniffer.look(at: bytes) {
        case .type("text/html"):
            // A page in place of a file is a page about an error, or one that asks to sign in.
            guard named.allSatisfy(Self.mayBeHTML) else {
                throw .type("it is a web page, though another type was named")
            }
            return named.lazy.compactMap(MediaTypes.canonical).first { $0 != "text/plain" } ?? "text/html"
        case .type(let type): return moreExact(type, named)
        case .text: return try textType(claims, named)
        case .unknown:
            // Bytes that are no text are not taken for one.
            guard let type = named.lazy.compactMap(MediaTypes.canonical).first(where: { !MediaTypes.isText($0) }) else {
                throw .type(named.first.map { "\(Self.quoted($0)) is not a known type" } ?? "its type is not known")
            }
            return type
        }
    }

    /// Where bytes know the family and a name knows more: `.m4v` among MP4 files, an SVG that is said to be XML.
    private func moreExact(_ type: String, _ named: [String]) -> String {
        guard let kin = Self.kin[type] else { return type }
        return named.lazy.compactMap(MediaTypes.canonical).first { kin.contains($0) } ?? type
    }

    private static let kin: [String: Set<String>] = [
        "audio/ogg": ["audio/opus"], "text/xml": ["image/svg+xml"], "video/x-ms-wmv": ["audio/x-ms-wma"],
        "video/mp4": ["audio/mp4", "video/x-m4v"],
    ]

    private func textType(_ claims: Claims, _ named: [String]) throws(Refusal) -> String {
        let declared = claims.declared
        if !MediaTypes.isGeneric(declared), MediaTypes.canonical(declared) == nil, !MediaTypes.isText(declared) {
            throw .type("\(Self.quoted(declared)) is not a known type")
        }
        let types = named.compactMap(MediaTypes.canonical)
        if let type = types.first(where: { MediaTypes.isText($0) && $0 != "text/plain" && $0 != "text/html" }) {
            return type
        }
        if let type = types.first(where: Self.isNeverText) { throw .type("it is text, though \(type) was named") }
        return types.contains("text/html") ? "text/html" : "text/plain"
    }

    private static func isNeverText(_ type: String) -> Bool {
        type == "application/pdf"
            || ["image/", "audio/", "video/"].contains { type.hasPrefix($0) } && type != "image/svg+xml"
    }

    /// Sources that hold pages, and names that say no more than "text".
    private static func mayBeHTML(_ type: String) -> Bool {
        ["text/html", "text/plain", "text/x-php", "text/x-vue", "text/x-svelte"].contains(MediaTypes.canonical(type))
    }

    private func checkPixels(_ bytes: [UInt8], _ type: String) throws(Refusal) {
        guard let size = PixelSize.read(bytes, type) else {
            // Its beginning only said what it is; it may also be cut off there.
            let isPicture = PixelSize.isAlwaysTold(by: type)
            if isPicture { throw .type("\(type) without a readable size") }
            return
        }
        guard size.isAllowed else {
            throw Refusal(
                result: .tooLarge,
                reason: "\(type) of \(size.width) × \(size.height) pixels; at most \(PixelSize.maxSide) a side and "
                    + "\(PixelSize.maxPixels / 1_000_000) megapixels are taken")
        }
    }

    private static func quoted(_ type: String) -> String {
        let bytes = MediaTypes.plain(type).utf8.prefix(100).filter { $0 > 0x20 && $0 < 0x7F }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension MediaJudge.Refusal {
    fileprivate static func type(_ reason: String) -> Self { Self(result: .badType, reason: reason) }
}
