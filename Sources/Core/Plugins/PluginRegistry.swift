/// Every kind of plugin that settings may name. An explicit list: ordered, testable, and open to other packages.
///
///     var registry = PluginRegistry()
///     registry.register(provider: AcmeProvider.self)
public struct PluginRegistry: Sendable {
    public private(set) var providers: [ProviderPlugin] = []
    public private(set) var credentialSources: [SourcePlugin] = []
    public private(set) var frontends: [FrontendPlugin] = []

    public init() {}

    /// - Precondition: No other provider claims the kind.
    public mutating func register<P: Provider>(provider type: P.Type) {
        precondition(!providers.contains { $0.kind == P.kind }, "two providers claim the kind \"\(P.kind)\"")
        providers.append(ProviderPlugin(type))
    }

    /// - Precondition: No other credential source claims the kind.
    public mutating func register<S: CredentialSource>(credentialSource type: S.Type) {
        precondition(!credentialSources.contains { $0.kind == S.kind }, "two sources claim the kind \"\(S.kind)\"")
        credentialSources.append(SourcePlugin(type))
    }

    /// - Precondition: No other frontend claims the kind.
    public mutating func register<F: Frontend>(frontend type: F.Type) {
        precondition(!frontends.contains { $0.kind == F.kind }, "two frontends claim the kind \"\(F.kind)\"")
        frontends.append(FrontendPlugin(type))
    }
}

/// A provider's type, erased: it reads its own keys and is made from them later.
public struct ProviderPlugin: Sendable {
    public typealias Make = @Sendable (ProviderContext) throws(GatewayError) -> any Provider

    public let kind: PluginKind
    public let defaultDeadlines: TransferDeadlines
    public let defaultRequestTimeout: Duration
    public let defaultPool: AccountPoolState.Rules
    public let schema: @Sendable () -> SettingsSchema
    /// Reads the kind's keys; problems go into the map's report.
    public let read: @Sendable (inout SettingsMap) -> Make

    init<P: Provider>(_ type: P.Type) {
        (kind, defaultDeadlines, defaultPool) = (P.kind, P.defaultDeadlines, P.defaultPool)
        defaultRequestTimeout = P.defaultRequestTimeout
        schema = { SettingsSchema.record(P.Settings.self) }
        read = { map in
            let settings = P.Settings(reading: &map)
            return { (context) throws(GatewayError) in try P(settings: settings, context: context) }
        }
    }
}

/// A credential source's type, erased.
public struct SourcePlugin: Sendable {
    public typealias Make = @Sendable (SourceContext) throws(GatewayError) -> any CredentialSource

    public let kind: PluginKind
    public let schema: @Sendable () -> SettingsSchema
    public let read: @Sendable (inout SettingsMap) -> Make

    init<S: CredentialSource>(_ type: S.Type) {
        kind = S.kind
        schema = { SettingsSchema.record(S.Settings.self) }
        read = { map in
            let settings = S.Settings(reading: &map)
            return { (context) throws(GatewayError) in try S(settings: settings, context: context) }
        }
    }
}

/// A frontend's type, erased.
public struct FrontendPlugin: Sendable {
    public typealias Make = @Sendable (FrontendContext) throws(GatewayError) -> any Frontend

    public let kind: PluginKind
    public let defaultPaths: [String]
    public let schema: @Sendable () -> SettingsSchema
    public let read: @Sendable (inout SettingsMap) -> Make

    init<F: Frontend>(_ type: F.Type) {
        (kind, defaultPaths) = (F.kind, F.defaultPaths)
        schema = { SettingsSchema.record(F.Settings.self) }
        read = { map in
            let settings = F.Settings(reading: &map)
            return { (context) throws(GatewayError) in try F(settings: settings, context: context) }
        }
    }
}
