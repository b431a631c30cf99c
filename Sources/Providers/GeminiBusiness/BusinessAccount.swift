internal import PolluxCore

/// What an account's credential must hold for this upstream.
///
/// Source: Gemini Business protocol notes, section 2.
struct BusinessAccount: Sendable, Equatable {
    /// The values of the cookies `__Secure-C_SES` and `__Host-C_OSES`, byte for byte.
    let sessionCookie: Secret
    let hostCookie: Secret?
    /// The index of the signed-in session, about ten digits.
    let csesidx: String
    /// The workspace.
    let configID: String
    let userAgent: String?
    let proxy: Secret?

    /// The names of the values in a credential, and of the cookies that renew two of them.
    static let sessionCookieKey = "secure_c_ses"
    static let hostCookieKey = "host_c_oses"
    static let cookieKeys = ["__Secure-C_SES": sessionCookieKey, "__Host-C_OSES": hostCookieKey]

    /// - Throws: `upstreamAuth` with what `problem(with:)` says.
    init(_ credential: Credential) throws(GatewayError) {
        if let problem = Self.problem(with: credential) {
            throw GatewayError(
                .upstreamAuth, .account, "the chosen account cannot be used; the operator must complete it",
                detail: problem, accountEffect: .rejectCredential)
        }
        sessionCookie = credential[Self.sessionCookieKey] ?? Secret("")
        hostCookie = credential[Self.hostCookieKey].flatMap { $0.isEmpty ? nil : $0 }
        csesidx = credential["csesidx"]?.reveal() ?? ""
        configID = credential["config_id"]?.reveal() ?? ""
        userAgent = credential["user_agent"]?.reveal()
        proxy = credential.proxy
    }

    /// What is missing or cannot be sent, and where to find it; `nil` when the account can be used.
    static func problem(with credential: Credential) -> String? {
        let missing = whereToFind.filter { credential[$0.key]?.isEmpty ?? true }
        if !missing.isEmpty {
            return missing.map { "\($0.key) is missing (\($0.place))" }.joined(separator: "; ")
        }
        for key in cookieKeys.values.sorted() where !isCookieValue(credential[key]?.reveal() ?? "") {
            return "\(key) holds a character that a cookie cannot have; copy the value again, without quotes"
        }
        guard (credential["csesidx"]?.reveal() ?? "").utf8.allSatisfy(isUnreserved) else {
            return "csesidx must be the number behind csesidx= in the web app's address"
        }
        guard (credential["config_id"]?.reveal() ?? "").utf8.allSatisfy(isUnreserved) else {
            return "config_id must be the part behind /cid/ in the web app's address"
        }
        guard (credential["user_agent"]?.reveal() ?? "").utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) else {
            return "user_agent must be plain ASCII on one line"
        }
        return nil
    }

    private static let whereToFind: [(key: String, place: String)] = [
        (sessionCookieKey, "the cookie __Secure-C_SES of business.gemini.google"),
        ("csesidx", "the number behind csesidx= in the web app's address"),
        ("config_id", "the part behind /cid/ in the web app's address"),
    ]

    /// What a `Cookie` field can carry without being read as something else (RFC 6265 section 4.1.1, less strict about
    /// quotes and commas, which servers take).
    static func isCookieValue(_ text: String) -> Bool {
        text.utf8.allSatisfy { (0x21..<0x7F).contains($0) && $0 != UInt8(ascii: ";") }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "-._~".utf8.contains(byte)
        }
    }
}

extension BusinessAccount {
    var cookieField: String {
        var field = "__Secure-C_SES=\(sessionCookie.reveal())"
        if let hostCookie { field += "; __Host-C_OSES=\(hostCookie.reveal())" }
        return field
    }
}
