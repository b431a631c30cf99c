import PolluxCore
import PolluxCrypto

/// Everything the simulated Gemini web app remembers. A value: the service guards it and acts outside.
struct WebState: Sendable {
    private var accounts: [String: WebAccount] = [:]
    private var accountOrder: [String] = []
    /// What all callers without an account share.
    private var guest = WebAccount(name: "")
    private var uploads: [String: WebUpload] = [:]
    private var uploadOrder: [String] = []
    private var media: [String: WebMedia] = [:]
    private var mediaOrder: [String] = []
    var requests = WebRequestLog()
    var random: SeededRandom
    private let seed: UInt64
    /// Signs the last address of a picture's way.
    private let signingKey: [UInt8]

    private static let mostAccounts = 10_000
    private static let mostUploads = 10_000
    private static let mostMedia = 10_000

    init(seed: UInt64) {
        self.seed = seed
        random = SeededRandom(seed: seed)
        signingKey = random.bytes(32)
    }

    mutating func reset() {
        var fresh = WebState(seed: seed)
        fresh.requests = requests.emptied()
        self = fresh
    }

    // MARK: Accounts

    /// The account of this name, made when it is new; `nil` is what guests share.
    subscript(_ name: String?) -> WebAccount {
        mutating get {
            guard let name else { return guest }
            if let known = accounts[name] { return known }
            let account = WebAccount(name: name)
            accounts[name] = account
            accountOrder.append(name)
            if accountOrder.count > Self.mostAccounts { accounts[accountOrder.removeFirst()] = nil }
            return account
        }
        set {
            guard let name else { return guest = newValue }
            if accounts.updateValue(newValue, forKey: name) == nil { accountOrder.append(name) }
        }
    }

    /// Who sends these cookies.
    mutating func caller(_ cookies: WebCookies) -> WebCaller {
        guard let name = cookies.accountName else { return WebCaller(named: nil, account: nil) }
        let account = self[name]
        let isSignedIn = account.accepts(freshness: cookies.freshness ?? "") && !account.settings.isExpired
        return WebCaller(named: name, account: isSignedIn ? name : nil)
    }

    /// The models that a caller sees; a guest may use only the first.
    mutating func models(of caller: WebCaller) -> [WebModel] {
        let all = self[caller.account].settings.models
        return caller.account == nil ? Array(all.prefix(1)) : all
    }

    // MARK: Ids

    mutating func makeID(_ prefix: String, digits: Int = 16) -> String {
        prefix + random.bytes(digits / 2).hexText
    }

    // MARK: Files

    mutating func keep(_ upload: WebUpload) {
        uploads[upload.id] = upload
        uploadOrder.append(upload.id)
        if uploadOrder.count > Self.mostUploads { uploads[uploadOrder.removeFirst()] = nil }
    }

    /// The upload with this id, unless it belongs to somebody else.
    func upload(_ id: String, of account: String?) -> WebUpload? {
        guard let upload = uploads[id], upload.owner == nil || upload.owner == account else { return nil }
        return upload
    }

    mutating func keep(_ item: WebMedia) {
        media[item.id] = item
        mediaOrder.append(item.id)
        if mediaOrder.count > Self.mostMedia { media[mediaOrder.removeFirst()] = nil }
    }

    func medium(_ id: String) -> WebMedia? { media[id] }

    /// The generated image with this image id in this turn.
    func image(_ imageID: String, in turn: WebMedia.Turn) -> WebMedia? {
        media.values.first { $0.imageID == imageID && $0.turn == turn }
    }

    /// Counts a download and says how many there were before.
    mutating func countDownload(of id: String) -> Int {
        guard let count = media[id]?.downloads else { return 0 }
        media[id]?.downloads = count + 1
        return count
    }

    /// What an address must carry so that nobody asks for cookies.
    func signature(of path: String) -> String {
        HMACSHA256.authenticate(Array(path.utf8), key: signingKey).prefix(12).hexText
    }
}

/// Who asks.
struct WebCaller: Sendable {
    /// The account that the cookies name, whether or not they are good.
    let named: String?
    /// The account; nil for a guest.
    let account: String?

    var isSignedIn: Bool { account != nil }
}
