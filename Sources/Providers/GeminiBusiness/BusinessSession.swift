internal import PolluxCore

/// A conversation at the upstream. It belongs to the account that opened it and keeps its own history.
///
/// Source: Gemini Business protocol notes, sections 5.1 and 7.
struct BusinessSession: Sendable, Equatable {
    /// Opaque: `collections/…/sessions/…`.
    let name: String

    /// Opens a new session, which does not show in the web app's history because it has no display name.
    static func open(with api: BusinessAPI, on lease: any AccountLease) async throws(GatewayError) -> BusinessSession {
        let parameters: JSON = ["session": ["name": "", "displayName": ""]]
        let answer = try await api.call(.createSession, parameters, on: lease)
        guard let name = answer["session"]?["name"]?.string, !name.isEmpty else {
            throw BusinessErrors.badResponse(
                "the upstream opened no session", detail: "session step: no session.name")
        }
        return BusinessSession(name: name)
    }
}
