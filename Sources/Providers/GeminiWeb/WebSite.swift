import PolluxCore

/// The web app's addresses, or the one origin that stands for all of them.
///
/// Source: Gemini web protocol notes, sections 1 and 2.2.
struct WebSite: Sendable, Equatable {
    static let app = "https://gemini.google.com"
    static let accounts = "https://accounts.google.com"
    /// Whose cookies an account's are.
    static let cookieDomain = "google.com"

    /// The origin that replaces every host; `nil` for the real ones.
    private let replacement: UpstreamURL?

    /// - Parameter base: A checked URL without a slash at the end; `nil` for the real hosts.
    init(base: String?) { replacement = base.flatMap { UpstreamURL($0) } }

    /// The URL of a path at one of the real hosts.
    func url(_ host: String, _ path: String) -> UpstreamURL? { UpstreamURL((replacement?.origin ?? host) + path) }

    /// Where a redirect leads, or `nil` when an account's cookies must not follow it. With a replacement, references to
    /// the real hosts mean it too.
    func destination(of reference: String, from url: UpstreamURL) -> UpstreamURL? {
        guard let next = url.resolving(reference) else { return nil }
        if isHome(next) { return next }
        guard let replacement, !next.isPlain, Cookie.host(next.host, isIn: Self.cookieDomain) else { return nil }
        return UpstreamURL(replacement.origin + next.target)
    }

    /// Whether an account's cookies may go there. The port counts: another one on this machine is somebody else.
    func isHome(_ url: UpstreamURL) -> Bool {
        if let replacement { return url.origin == replacement.origin }
        return !url.isPlain && Cookie.host(url.host, isIn: Self.cookieDomain)
    }

    /// A cookie of the account as this site knows it.
    func homeCookie(_ cookie: Cookie) -> Cookie? {
        guard let replacement else { return Cookie.host(cookie.domain, isIn: Self.cookieDomain) ? cookie : nil }
        guard Cookie.host(cookie.domain, isIn: Self.cookieDomain) || cookie.domain == replacement.host else {
            return nil
        }
        var cookie = cookie
        (cookie.domain, cookie.isHostOnly) = (replacement.host, true)
        return cookie
    }
}
