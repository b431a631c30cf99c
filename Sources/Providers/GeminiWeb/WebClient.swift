import PolluxCore

/// Requests to the web app with an account's cookies, and what every answer does to them.
///
/// Source: Gemini web protocol notes, sections 1, 2.2, 5.2 and 10.1.
struct WebClient: Sendable {
    let settings: GeminiWebSettings
    let site: WebSite
    let http: any HTTPTransport
    let time: any TimeSource
    let random: any RandomSource
    let log: Logger

    init(settings: GeminiWebSettings, site: WebSite, context: ProviderContext) {
        (self.settings, self.site, http, time) = (settings, site, context.http, context.time)
        (random, log) = (context.random, context.log)
    }

    /// A request as the account; its cookies only go to the account's own site.
    struct Call {
        var method = HTTPMethod.post
        var host = WebSite.app
        /// Path and query.
        var target: String
        var fields: HTTPFields = [:]
        var body: [UInt8]?
        /// `nil` takes what the operator set for answers.
        var deadlines: TransferDeadlines? = .webShortCall
        var maxResponseBytes = 128 << 20
    }

    func send(
        _ call: Call, as state: WebAccountState, on lease: any AccountLease
    ) async throws(GatewayError) -> UpstreamResponse {
        guard let url = site.url(call.host, prefix(call.host, state) + call.target) else {
            throw GatewayError(.internalError, .endpoint, "base_url is no usable URL; correct it in settings")
        }
        return try await send(call, to: url, as: state, on: lease)
    }

    /// Sends a call to a place that an answer named.
    func send(
        _ call: Call, to url: UpstreamURL, as state: WebAccountState, on lease: any AccountLease
    ) async throws(GatewayError) -> UpstreamResponse {
        let account = state.account
        var request = UpstreamRequest(call.method, url.text, fields: call.fields, body: call.body)
        request.fields.append("user-agent", account.userAgent ?? settings.userAgent)
        request.fields.append("accept", "*/*")
        if let number = account.authUser { request.fields.append("x-goog-authuser", "\(number)") }
        if site.isHome(url), let cookies = state.cookieField(for: url) {
            request.fields.append("cookie", cookies.reveal())
        }
        request.proxy = account.proxy
        request.deadlines = call.deadlines
        request.maxResponseBytes = call.maxResponseBytes
        request.acceptsCompression = true
        let response = try await http.send(request)
        if site.isHome(url) {
            state.merge(response.fields, from: url)
            try await state.save(on: lease)
        }
        return response
    }

    /// A second identity that is signed in with the same cookies has its pages below `/u/<number>`.
    private func prefix(_ host: String, _ state: WebAccountState) -> String {
        guard host == WebSite.app, let number = state.account.authUser else { return "" }
        return "/u/\(number)"
    }

    // MARK: What requests have in common

    static let appFields: HTTPFields = [
        "content-type": "application/x-www-form-urlencoded;charset=utf-8", "origin": WebSite.app,
        "referer": WebSite.app + "/",
    ]

    /// The query that every call of the app's services has.
    func query(_ session: WebSession, _ requestID: Int, _ extra: [(String, String)] = []) -> String {
        var items =
            extra + [
                ("hl", session.language(settings.language)), ("_reqid", "\(requestID)"), ("rt", "c"),
            ]
        if let build = session.page.build { items.append(("bl", build)) }
        if let id = session.page.session { items.append(("f.sid", id)) }
        return "?" + items.map { "\($0.0)=\(FormEncoding.encode($0.1))" }.joined(separator: "&")
    }

    func form(_ session: WebSession, _ request: [UInt8]) -> [UInt8] {
        Array("at=\(FormEncoding.encode(session.token?.reveal() ?? ""))&f.req=".utf8) + FormEncoding.encode(request)
    }

    /// An upper-case UUID of version 4.
    func makeUUID() -> String {
        let high = (random.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000
        let low = (random.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000
        let digits = Array((hex(high) + hex(low)).utf8)
        let parts = [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(decoding: digits[$0], as: UTF8.self) }
        return parts.joined(separator: "-")
    }

    private func hex(_ value: UInt64) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: 16 - text.utf8.count) + text
    }
}

extension TransferDeadlines {
    /// For the calls around an answer, which the upstream answers at once.
    static let webShortCall = TransferDeadlines(firstByte: .seconds(30), gap: .seconds(30), total: .seconds(60))
}

/// `application/x-www-form-urlencoded`, with every byte but letters, digits and `-._~` as an escape.
enum FormEncoding {
    static func encode(_ text: String) -> String { String(decoding: encode(Array(text.utf8)), as: UTF8.self) }

    static func encode(_ bytes: [UInt8]) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        encoded.reserveCapacity(bytes.count + bytes.count / 2)
        for byte in bytes {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 0xF)])
            }
        }
        return encoded
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
