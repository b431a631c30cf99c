import PolluxCore
import Synchronization

/// What the gateway knows about one account at run time: its jar, its session, when to renew.
///
/// Decides under a lock; network and waiting happen outside of it.
final class WebAccountState: Sendable {
    /// Signing in and renewing happen once at a time.
    let turn = AsyncLock()
    private let saving = AsyncLock()
    private let guarded: Mutex<Guarded>
    private let site: WebSite
    private let settings: GeminiWebSettings
    private let time: any TimeSource
    private let random: any RandomSource

    static let renewedKey = "cookies_renewed_at"

    private struct Guarded: Sendable {
        /// The credential as its source published it, without what the gateway adds.
        var basis: Credential
        var account: WebAccount
        var jar: CookieJar
        var savedVersion: Int
        var renewal: WebRenewal
        /// The civil time of the last renewal, for keeping.
        var renewedAt: WallTime?
        var session: WebSession?
        var sessions = 0
        var nextRequestID = 0
        var failures = 0
        var lastFailure: GatewayError?
    }

    /// - Throws: `upstreamAuth` for a credential that cannot be used.
    init(_ credential: Credential, site: WebSite, settings: GeminiWebSettings, context: ProviderContext)
        throws(GatewayError)
    {
        (self.site, self.settings, time, random) = (site, settings, context.time, context.random)
        let account = try WebAccount(credential)
        guarded = Mutex(Self.start(credential, account, site, settings, context.time, context.random))
    }

    private static func start(
        _ credential: Credential, _ account: WebAccount, _ site: WebSite, _ settings: GeminiWebSettings,
        _ time: any TimeSource, _ random: any RandomSource
    ) -> Guarded {
        let (now, wallNow) = (time.now, time.wallNow)
        let jar = account.jar(at: site, scope: settings.cookieScope, now: wallNow)
        let renewedAt = credential[renewedKey].flatMap { Int64($0.reveal()) }.map { WallTime(seconds: $0) }
        // A renewal in the future is another clock's.
        let age = renewedAt.map { wallNow - $0 }.flatMap { $0 >= .zero ? $0 : nil }
        let renewal = WebRenewal(
            now: now, last: age.map { now + (Duration.zero - $0) }, interval: settings.rotationInterval, random: random)
        return Guarded(
            basis: credential.withoutJar, account: account, jar: jar, savedVersion: jar.version, renewal: renewal,
            renewedAt: renewedAt)
    }

    /// Takes over a credential that its source has changed. One that only carries an older state of the jar changes
    /// nothing.
    func adopt(_ credential: Credential) throws(GatewayError) {
        guard guarded.withLock({ $0.basis != credential.withoutJar }) else { return }
        let account = try WebAccount(credential)
        let fresh = Self.start(credential, account, site, settings, time, random)
        guarded.withLock { state in
            let (sessions, failures) = (state.sessions, state.failures)
            state = fresh
            (state.sessions, state.failures) = (sessions, failures)
        }
    }

    var account: WebAccount { guarded.withLock { $0.account } }
    var isTemporary: Bool { (account.history ?? settings.history) == .temporary }

    // MARK: Cookies

    func cookieField(for url: UpstreamURL) -> Secret? {
        let now = time.wallNow
        return guarded.withLock { $0.jar.field(for: url, now: now) }
    }

    func cookie(_ name: String, for url: UpstreamURL) -> Secret? {
        let now = time.wallNow
        return guarded.withLock { $0.jar.value(of: name, for: url, now: now) }
    }

    /// Takes over the cookies of an answer. A page that signs out clears the cookie of the identity; that one is kept,
    /// since whether it still counts is found out by using it.
    func merge(_ fields: HTTPFields, from url: UpstreamURL) {
        let now = time.wallNow
        guarded.withLock { state in
            let before = state.jar
            guard state.jar.merge(fields, from: url, now: now) else { return }
            for cookie in before.cookies where cookie.name == WebAccount.identityCookie {
                if !state.jar.cookies.contains(where: { $0.name == cookie.name }) { state.jar.set(cookie) }
            }
        }
    }

    /// Hands changed cookies to the pool, which keeps them, before they are used.
    func save(on lease: any AccountLease) async throws(GatewayError) {
        guard guarded.withLock({ $0.savedVersion != $0.jar.version }) else { return }
        try await saving.withLock { () async throws(GatewayError) in
            let (version, credential) = guarded.withLock { state -> (Int, Credential?) in
                guard state.savedVersion != state.jar.version else { return (state.jar.version, nil) }
                var credential = state.basis
                credential.values[WebAccount.jarKey] = state.jar.text
                if let renewedAt = state.renewedAt {
                    credential.values[Self.renewedKey] = Secret("\(renewedAt.seconds)")
                }
                return (state.jar.version, credential)
            }
            guard let credential else { return }
            try await lease.rotate(to: credential)
            guarded.withLock { $0.savedVersion = version }
        }
    }

    // MARK: Renewal

    var isRenewalDue: Bool {
        let now = time.now
        return guarded.withLock { $0.renewal.isDue(now) }
    }

    /// - Returns: False when the last attempt is too fresh.
    func beginRenewal() -> Bool {
        let (now, wallNow) = (time.now, time.wallNow)
        return guarded.withLock { state in
            guard state.renewal.isAllowed(now) else { return false }
            state.renewal.begin(now, interval: settings.rotationInterval, random: random)
            state.renewedAt = wallNow
            return true
        }
    }

    /// - Returns: True when it is time to tell the operator.
    func noteRenewal(isFruitful: Bool) -> Bool { guarded.withLock { $0.renewal.note(isFruitful: isFruitful) } }

    // MARK: Session

    var session: WebSession? { guarded.withLock { $0.session } }
    /// Failed attempts to open a session so far.
    var failures: Int { guarded.withLock { $0.failures } }

    /// How the last attempt failed, if it is younger than a count taken before.
    func failure(since count: Int) -> GatewayError? {
        guarded.withLock { $0.failures > count ? $0.lastFailure : nil }
    }

    func note(failure: GatewayError) {
        guarded.withLock { state in
            state.failures += 1
            state.lastFailure = failure
        }
    }

    /// The number of a session that is to be opened.
    func makeSerial() -> Int {
        let start = 10_000 + Int(random.below(90_000))
        return guarded.withLock { state in
            state.sessions += 1
            state.nextRequestID = start
            return state.sessions
        }
    }

    func set(_ session: WebSession) { guarded.withLock { $0.session = session } }

    /// Forgets a session that no longer works, unless it has been replaced already.
    func drop(_ session: WebSession) {
        guarded.withLock { state in
            if state.session?.serial == session.serial { state.session = nil }
        }
    }

    func replaceToken(_ token: Secret, in session: WebSession) {
        guarded.withLock { state in
            if state.session?.serial == session.serial { state.session?.token = token }
        }
    }

    /// `_reqid`: five digits at the start of a session, 100,000 more with each request.
    func makeRequestID() -> Int {
        guarded.withLock { state in
            defer { state.nextRequestID = (state.nextRequestID + 100_000) % 1_000_000_000_000 }
            return state.nextRequestID
        }
    }
}

extension Credential {
    /// As its source published it.
    fileprivate var withoutJar: Credential {
        var credential = self
        credential.values[WebAccount.jarKey] = nil
        credential.values[WebAccountState.renewedKey] = nil
        return credential
    }
}

/// The states of all accounts of a provider.
final class WebAccounts: Sendable {
    private let states = Mutex<[String: WebAccountState]>([:])
    private let site: WebSite
    private let settings: GeminiWebSettings
    private let context: ProviderContext

    init(site: WebSite, settings: GeminiWebSettings, context: ProviderContext) {
        (self.site, self.settings, self.context) = (site, settings, context)
    }

    /// - Throws: `upstreamAuth` for a credential that cannot be used.
    func state(of lease: any AccountLease) throws(GatewayError) -> WebAccountState {
        let credential = lease.credential
        if let known = states.withLock({ $0[credential.accountID] }) {
            try known.adopt(credential)
            return known
        }
        let fresh = try WebAccountState(credential, site: site, settings: settings, context: context)
        return states.withLock { states in
            if let known = states[credential.accountID] { return known }
            states[credential.accountID] = fresh
            return fresh
        }
    }

    /// The models of every account that was asked, each once, in the order in which they were found.
    var knownModels: [WebModel] {
        let sessions = states.withLock { $0.sorted { $0.key < $1.key }.map(\.value) }.compactMap(\.session)
        var names: Set<String> = []
        return sessions.flatMap(\.status.models).filter { names.insert($0.name).inserted }
    }
}
