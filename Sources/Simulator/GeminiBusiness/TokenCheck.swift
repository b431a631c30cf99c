import PolluxCore
import PolluxCrypto

/// Checks the locally made tokens of the chat API, each claim by itself, so that the refusal names the one at fault
/// (protocol notes, section 3.2 and section 11, point 1).
enum TokenCheck {
    static let issuer = "https://business.gemini.google"
    static let audience = "https://biz-discoveryengine.googleapis.com"
    static let longestLifetime = 300

    /// - Parameters:
    ///   - now: Unix seconds.
    ///   - keyOf: The key that `getoxsrf` gave out under this key id.
    /// - Returns: The `csesidx` whose key signed the token.
    /// - Throws: A 401 that says which check failed.
    static func account(
        of token: String, now: Int, keyOf: (String) -> SigningKey?
    ) throws(GoogleError) -> String {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 3 else { throw .unauthenticated("the token does not have three parts") }
        let header = try object(parts[0], "header")
        guard header["alg"]?.string == "HS256" else { throw .unauthenticated("the token's alg is not HS256") }
        guard let keyID = header["kid"]?.string, let key = keyOf(keyID) else {
            throw .unauthenticated("the token's kid was not given out by getoxsrf")
        }
        guard let signature = decoded(parts[2]) else {
            throw .unauthenticated("the token's signature is not base64url")
        }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        guard ConstantTime.areEqual(HMACSHA256.authenticate(signed, key: key.bytes), signature) else {
            throw .unauthenticated("the token's signature does not match")
        }
        try checkClaims(try object(parts[1], "payload"), csesidx: key.csesidx, now: now)
        return key.csesidx
    }

    private static func checkClaims(_ claims: JSON, csesidx: String, now: Int) throws(GoogleError) {
        guard claims["iss"]?.string == issuer else { throw .unauthenticated("the token's iss is not \(issuer)") }
        guard claims["aud"]?.string == audience else { throw .unauthenticated("the token's aud is not \(audience)") }
        guard claims["sub"]?.string == "csesidx/\(csesidx)" else {
            throw .unauthenticated("the token's sub is not the session of its kid")
        }
        guard let issued = claims["iat"]?.int, let expires = claims["exp"]?.int, let starts = claims["nbf"]?.int else {
            throw .unauthenticated("the token's iat, exp and nbf are not all whole numbers")
        }
        guard starts <= now else { throw .unauthenticated("the token's nbf lies in the future") }
        guard expires > now else { throw .unauthenticated("the token's exp has passed") }
        let (lifetime, overflow) = expires.subtractingReportingOverflow(issued)
        guard !overflow, lifetime <= longestLifetime else {
            throw .unauthenticated("the token lives longer than \(longestLifetime) seconds")
        }
    }

    private static func object(_ part: String, _ name: String) throws(GoogleError) -> JSON {
        guard let bytes = decoded(part), let json = try? JSON.parse(bytes), json.object != nil else {
            throw .unauthenticated("the token's \(name) is not a JSON object in base64url")
        }
        return json
    }

    /// Unpadded base64url only, as the tokens are specified.
    private static func decoded(_ part: String) -> [UInt8]? {
        part.utf8.contains(UInt8(ascii: "=")) ? nil : try? Base64.decode(part, .urlSafe)
    }
}

/// A key that `getoxsrf` gave out.
struct SigningKey: Sendable {
    let id: String
    let csesidx: String
    let bytes: [UInt8]
}
