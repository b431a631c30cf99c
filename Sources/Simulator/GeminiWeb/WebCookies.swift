import PolluxCore

/// The cookies of a request that say who asks (protocol notes, section 15.2).
struct WebCookies: Sendable {
    static let identityName = "__Secure-1PSID"
    static let freshnessName = "__Secure-1PSIDTS"
    static let continuityName = "__Secure-1PSIDCC"

    /// The account that `__Secure-1PSID` names; nil when it has another form.
    let accountName: String?
    let freshness: String?

    private static let identityPrefix = "g.a000sim-"

    init(of request: SimulatedRequest) {
        accountName = request.cookie(Self.identityName).flatMap(Self.accountName)
        freshness = request.cookie(Self.freshnessName)
    }

    /// The name of an account, if this is one.
    static func isName(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func accountName(in identity: String) -> String? {
        guard identity.hasPrefix(identityPrefix) else { return nil }
        let name = String(identity.dropFirst(identityPrefix.count))
        return isName(name) ? name : nil
    }
}

extension SimulatedRequest {
    /// The value of a `Set-Cookie` field for whoever sent this request.
    ///
    /// `Domain` is there only when the request's host lies below it: clients drop the cookie otherwise, and tests reach
    /// the simulator by a loopback address.
    func setCookie(_ name: String, _ value: String) -> String {
        let host = (head.fields["host"] ?? "").split(separator: ":").first.map { $0.lowercased() } ?? ""
        let isGoogle = host == "google.com" || host.hasSuffix(".google.com")
        let domain = isGoogle ? "Domain=.google.com; " : ""
        return "\(name)=\(value); \(domain)Path=/; Secure; HttpOnly; Max-Age=31536000"
    }
}
