/// One upstream service, spoken to with one account at a time.
public protocol Provider: Sendable {
    associatedtype Settings: SettingsReadable
    /// The name used in settings.
    static var kind: PluginKind { get }
    /// The timers of this kind unless the operator sets others.
    static var defaultDeadlines: TransferDeadlines { get }
    /// A request with all its attempts, unless the operator sets another time.
    static var defaultRequestTimeout: Duration { get }
    /// How accounts of this kind are chosen and rested unless the operator says otherwise.
    static var defaultPool: AccountPoolState.Rules { get }
    /// Stores what it is given. No network, no files, no tasks: those belong in `generate` or `Service.run`.
    init(settings: Settings, context: ProviderContext) throws(GatewayError)

    /// Accounts that stand in the provider's own settings (API keys), beside those of its credential sources.
    var ownCredentials: [Credential] { get }
    /// Says what an account lacks, before it is taken into the pool; `nil` when it can be used.
    func problem(with credential: Credential) -> String?
    /// The models this provider offers without asking its upstream; `nil` when only the upstream knows them
    /// (`ModelListing`).
    var offeredModels: [ModelInfo]? { get }
    /// Which allowance a request spends; asked before an account is leased.
    func quotaClass(of request: ModelRequest) -> QuotaClass
    /// What this provider cannot honour about a request: an error of scope `request`, or `nil`. Asked before leasing.
    /// `ModelRequest.refusal(beyond:)` finds what capabilities tell.
    func refusal(of request: ModelRequest) -> GatewayError?
    /// What this provider accepts about a request and does not act on, by the names of the OpenAI format: `seed`,
    /// `top_p`. The client reads them in `x-pollux-ignored`. `ModelRequest.ignoredFields(besides:)` lists them all.
    func ignoredParameters(of request: ModelRequest) -> [String]

    /// Starts one answer. Returning means that the upstream accepted the request; events follow as they are pulled.
    ///
    /// - Throws: `GatewayError` whose scope and effect tell the pool what rests. Once events flow, `next()` throws.
    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream
}

extension Provider {
    public static var defaultDeadlines: TransferDeadlines { TransferDeadlines() }
    public static var defaultRequestTimeout: Duration { .seconds(330) }
    public static var defaultPool: AccountPoolState.Rules { AccountPoolState.Rules() }
    public var ownCredentials: [Credential] { [] }
    public func problem(with credential: Credential) -> String? { nil }
    public var offeredModels: [ModelInfo]? { nil }
    public func quotaClass(of request: ModelRequest) -> QuotaClass { .text }
    /// What none of the offered models can do, by their capabilities; nothing while only the upstream knows its models.
    public func refusal(of request: ModelRequest) -> GatewayError? {
        guard let offeredModels else { return nil }
        let able = offeredModels.reduce(into: ModelInfo.Capabilities.chat) { $0.formUnion($1.capabilities) }
        return request.refusal(beyond: able, kind: Self.kind)
    }
    public func ignoredParameters(of request: ModelRequest) -> [String] { [] }
}

/// Optional ability of a provider: ask the upstream which models it has.
public protocol ModelListing: Sendable {
    /// Offered until the upstream has answered; `nil` when nothing can be said before.
    var modelsUntilListed: [ModelInfo]? { get }
    func listModels(on lease: any AccountLease) async throws(GatewayError) -> [ModelInfo]
}

extension ModelListing {
    public var modelsUntilListed: [ModelInfo]? { nil }
}

/// Optional ability of a provider: keep the sign-in of accounts alive that nobody uses just now.
public protocol AccountKeeping: Sendable {
    /// How often each free account is looked at.
    var keepAliveInterval: Duration { get }
    /// Does what is due for the account; returns at once when nothing is.
    func keepAlive(_ lease: any AccountLease) async throws(GatewayError)
}

/// Optional ability of a provider: try an account without spending its quota. Each step is reported as it ends.
public protocol AccountProbing: Sendable {
    func probe(_ lease: any AccountLease, step: (ProbeStep) -> Void) async
}

/// One step of trying an account: "token", "session".
public struct ProbeStep: Sendable, Equatable {
    public var name: String
    /// `nil` when the step went well.
    public var failure: GatewayError?

    public init(_ name: String, failure: GatewayError? = nil) { (self.name, self.failure) = (name, failure) }
}

/// What a provider works with. It has no other way to the outside.
public struct ProviderContext: Sendable {
    /// The provider's name in settings.
    public let name: String
    /// Already carries the operator's deadlines, proxy and CA file for this provider.
    public let http: any HTTPTransport
    public let time: any TimeSource
    public let random: any RandomSource
    public let log: Logger
    /// What requests carry and point to, and where what models make is kept.
    public let media: MediaAccess

    public init(
        name: String, http: any HTTPTransport, time: any TimeSource, random: any RandomSource, log: Logger,
        media: MediaAccess = .closed
    ) {
        (self.name, self.http, self.time, self.random, self.log) = (name, http, time, random, log)
        self.media = media
    }
}
