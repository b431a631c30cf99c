import PolluxCore

/// Everything the simulated Gemini Business remembers. A value: the service guards it and acts outside.
struct BusinessState: Sendable {
    private(set) var accounts: [BusinessAccount]
    private let initialAccounts: [BusinessAccount]
    private var keys: [String: SigningKey] = [:]
    private var keyOrder: [String] = []
    /// Cookies given out over `setocookie`, by account.
    private var renewedCookies: [String: String] = [:]
    private var sessions: [String: BusinessSession] = [:]
    private var sessionOrder: [String] = []
    var random: SeededRandom

    private static let mostKeys = 4096
    private static let mostSessions = 5000

    init(accounts: [BusinessAccount], seed: UInt64) {
        (self.accounts, initialAccounts) = (accounts, accounts)
        random = SeededRandom(seed: seed)
    }

    /// Forgets sessions, files, renewed cookies and added accounts. Signing keys stay good, as they would upstream, so
    /// a client that holds a token is not thrown out by a test's reset.
    mutating func reset() {
        accounts = initialAccounts
        renewedCookies.removeAll()
        sessions.removeAll()
        sessionOrder.removeAll()
    }

    // MARK: Accounts and keys

    func account(_ csesidx: String) -> BusinessAccount? { accounts.first { $0.csesidx == csesidx } }

    mutating func put(_ account: BusinessAccount) {
        accounts.removeAll { $0.csesidx == account.csesidx }
        accounts.append(account)
        renewedCookies[account.csesidx] = nil
    }

    /// The `__Host-C_OSES` that `setocookie` gave out last.
    func renewedCookie(_ csesidx: String) -> String? { renewedCookies[csesidx] }

    mutating func renewCookie(_ csesidx: String) -> String {
        let cookie = "COS.Af-renewed-\(random.digits(12))"
        renewedCookies[csesidx] = cookie
        return cookie
    }

    func key(_ id: String) -> SigningKey? { keys[id] }

    /// Makes a signing key. Its id is long, as real ones are; its length changes from key to key, so that the Base64
    /// of it ends in every way that unpadded Base64 can end.
    mutating func makeKey(for csesidx: String) -> SigningKey {
        let key = SigningKey(
            id: Base64.encode(random.bytes(162), .urlSafe), csesidx: csesidx, bytes: random.bytes(32 + keys.count % 3))
        keys[key.id] = key
        keyOrder.append(key.id)
        if keyOrder.count > Self.mostKeys { keys[keyOrder.removeFirst()] = nil }
        return key
    }

    // MARK: Sessions

    mutating func makeSession(for csesidx: String, displayName: String, at now: WallTime) -> BusinessSession {
        let session = BusinessSession(
            id: random.digits(20), csesidx: csesidx, displayName: displayName, created: now)
        sessions[session.id] = session
        sessionOrder.append(session.id)
        if sessionOrder.count > Self.mostSessions { sessions[sessionOrder.removeFirst()] = nil }
        return session
    }

    /// The session of this name, in its short or full form, if it is this account's.
    func session(named name: String, of csesidx: String) -> BusinessSession? {
        guard let id = name.split(separator: "/").last, let session = sessions[String(id)],
            session.csesidx == csesidx, name == session.name || name == session.fullName
        else { return nil }
        return session
    }

    /// The session with this full name, whoever's it is; the short form finds nothing.
    func session(fullName: String) -> BusinessSession? {
        guard let id = fullName.split(separator: "/").last, let session = sessions[String(id)] else { return nil }
        return session.fullName == fullName ? session : nil
    }

    /// Newest first.
    func sessions(of csesidx: String) -> [BusinessSession] {
        sessionOrder.reversed().compactMap { sessions[$0] }.filter { $0.csesidx == csesidx }
    }

    /// Changes a session that still exists.
    mutating func change(_ session: BusinessSession, _ body: (inout BusinessSession) -> Void) {
        guard var current = sessions[session.id] else { return }
        body(&current)
        sessions[session.id] = current
    }

    mutating func remove(_ session: BusinessSession) {
        sessions[session.id] = nil
        sessionOrder.removeAll { $0 == session.id }
    }
}

/// One conversation as the upstream keeps it.
struct BusinessSession: Sendable {
    let id: String
    let csesidx: String
    let displayName: String
    let created: WallTime
    var turns: [Turn] = []
    var files: [BusinessFile] = []

    struct Turn: Sendable {
        let query: String
        let answer: String
        let state: String
    }

    private static let enginePath = "collections/default_collection/engines/agentspace-engine/sessions/"

    /// The short form, which every answer but the file list shows.
    var name: String { Self.enginePath + id }

    /// The form that begins with the project, which downloads need.
    var fullName: String { "projects/100020003000/locations/global/" + name }

    func file(_ id: String) -> BusinessFile? { files.first { $0.id == id } }

    /// The files that a list shows now; those that it leaves out come one list nearer.
    mutating func takeListed() -> [BusinessFile] {
        defer { for index in files.indices where files[index].omissions > 0 { files[index].omissions -= 1 } }
        return files.filter { $0.omissions == 0 }
    }

    mutating func change(file id: String, _ body: (inout BusinessFile) -> Void) {
        guard let index = files.firstIndex(where: { $0.id == id }) else { return }
        body(&files[index])
    }
}

/// A file of a session, uploaded or generated.
struct BusinessFile: Sendable {
    enum Origin: String, Sendable {
        case generated = "AI_GENERATED"
        case uploaded = "USER_PROVIDED"
    }

    let id: String
    let name: String
    let mimeType: String
    let bytes: [UInt8]
    let origin: Origin
    let time: WallTime
    /// Downloads that still answer 404, as if the file were not ready.
    var refusals = 0
    /// Lists of the session's files that still leave it out.
    var omissions = 0
    /// Whether the download's body is Base64 text.
    var isSentAsBase64 = false
}
