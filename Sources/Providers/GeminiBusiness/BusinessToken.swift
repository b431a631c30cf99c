internal import PolluxCore
internal import PolluxCrypto

/// A bearer token of the chat API, as it is kept.
struct BusinessToken: Sendable, Equatable {
    let text: Secret
    let madeAt: Instant

    /// Tokens live 300 s; a fifth of that is left for the request that carries one.
    static let renewalAge = Duration.seconds(240)

    func isFresh(at now: Instant) -> Bool { now - madeAt < Self.renewalAge }
}

/// What the web app hands out for signing tokens.
struct BusinessSigningKey: Sendable, Equatable {
    /// Opaque, ASCII; goes into the token's header verbatim.
    let id: String
    /// Decoded from URL-safe Base64.
    let bytes: [UInt8]

    /// Signs a token.
    ///
    /// Shape: HS256 JWT, header `kid`, claims `iss`, `aud`, `sub` = `csesidx/<csesidx>`, `iat`, `exp`, `nbf`, in this
    /// order; lifetime 300 s. The first two claims are fixed whatever addresses are configured.
    /// Source: Gemini Business protocol notes, section 3.2; seen on the wire, not documented by the upstream.
    /// - Parameter issuedAt: Seconds since the epoch.
    /// - Returns: The compact form, ASCII.
    func sign(csesidx: String, issuedAt: Int64) -> String {
        let (expiry, overflow) = issuedAt.addingReportingOverflow(300)
        let header: JSON = ["alg": "HS256", "typ": "JWT", "kid": .string(id)]
        let claims: JSON = [
            "iss": .string(BusinessHost.webApp), "aud": .string(BusinessHost.chatAPI),
            "sub": .string("csesidx/\(csesidx)"), "iat": .number(JSONNumber(Int(issuedAt))),
            "exp": .number(JSONNumber(Int(overflow ? .max : expiry))), "nbf": .number(JSONNumber(Int(issuedAt))),
        ]
        let signed = Base64.encode(header.bytes(), .urlSafe) + "." + Base64.encode(claims.bytes(), .urlSafe)
        let signature = HMACSHA256.authenticate(Array(signed.utf8), key: bytes)
        return signed + "." + Base64.encode(signature, .urlSafe)
    }
}
