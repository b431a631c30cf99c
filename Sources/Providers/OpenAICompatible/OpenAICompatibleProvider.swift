public import PolluxCore
import PolluxCrypto

/// Any upstream that speaks the OpenAI format: a local model server, a hosted one, another gateway.
public struct OpenAICompatibleProvider: Provider, ModelListing {
    public static let kind: PluginKind = "openai-compatible"
    /// An API key serves many requests at a time, and its limits pass soon.
    public static let defaultPool = AccountPoolState.Rules(
        maxInFlight: 512, cooldown: .seconds(60), maxCooldown: .seconds(3600))

    private let settings: OpenAICompatibleSettings
    private let context: ProviderContext
    private let signatures = SignatureCache()

    public init(settings: OpenAICompatibleSettings, context: ProviderContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    // MARK: - Accounts and models

    public var ownCredentials: [Credential] {
        if settings.apiKeys.isEmpty {
            return settings.hasCredentialSources ? [] : [Credential(accountID: Self.anonymousID, values: [:])]
        }
        return Credential.accounts(ofKeys: settings.apiKeys)
    }

    private static let anonymousID = "anonymous"

    public func problem(with credential: Credential) -> String? {
        if credential["api_key"] != nil || credential.accountID == Self.anonymousID { return nil }
        return "the account has no api_key; its source must give a value of that name"
    }

    public var offeredModels: [ModelInfo]? {
        settings.models.isEmpty ? nil : settings.models.map(model)
    }

    public func listModels(on lease: any AccountLease) async throws(GatewayError) -> [ModelInfo] {
        let response = try await send(.get, "/models", accept: "application/json", body: nil, on: lease)
        let body = try await response.body.collect(upTo: 8 << 20)
        guard let answer = try? JSON.parse(body, .upstream), let list = answer["data"]?.array ?? answer.array else {
            throw GatewayError(
                .upstreamBadResponse, .endpoint, "the upstream's list of models could not be read",
                detail: String(decoding: body.prefix(512), as: UTF8.self))
        }
        return list.compactMap { entry in
            guard let id = entry["id"]?.string, !id.isEmpty else { return nil }
            var info = model(id)
            info.owner = entry["owned_by"]?.string ?? info.owner
            info.created = entry["created"]?.int ?? 0
            return info
        }
    }

    /// What a model can do is not known before it is asked: nothing is held against it.
    private func model(_ id: String) -> ModelInfo {
        ModelInfo(
            id: id, owner: context.name,
            capabilities: [.chat, .tools, .mediaInput, .structuredOutput, .imageOutput, .severalCandidates])
    }

    // MARK: - Requests

    public func quotaClass(of request: ModelRequest) -> QuotaClass {
        request.modalities.contains(.image) ? .images : .text
    }

    public func refusal(of request: ModelRequest) -> GatewayError? { ChatRequestWriter.refusal(of: request) }

    /// All but fields that nobody knows is sent on.
    public func ignoredParameters(of request: ModelRequest) -> [String] {
        ChatRequestWriter.unsent(of: request, passesUnknownFields: settings.passUnknownFields)
    }

    public func generate(
        _ request: ModelRequest, on lease: any AccountLease
    ) async throws(GatewayError) -> EventStream {
        let signatures = ClientSignatures(
            cache: signatures, clientID: request.client.keyID, time: context.time)
        let body = ChatRequestWriter(settings: settings, signatures: signatures).body(for: request)
        let response = try await send(
            .post, "/chat/completions", accept: settings.stream ? "text/event-stream" : "application/json",
            body: body, on: lease)
        return EventStream(
            ChatEventSource(
                response.body, ChatAnswerDecoder(signatures: signatures, random: context.random), time: context.time,
                maxEventBytes: settings.maxEventBytes))
    }

    private func send(
        _ method: HTTPMethod, _ path: String, accept: String, body: [UInt8]?, on lease: any AccountLease
    ) async throws(GatewayError) -> UpstreamResponse {
        var fields: HTTPFields = ["accept": accept, "user-agent": "pollux"]
        if body != nil { fields.append("content-type", "application/json") }
        if let key = lease.credential["api_key"] { fields.append("authorization", "Bearer \(key.reveal())") }
        var request = UpstreamRequest(method, settings.baseURL + path, fields: fields, body: body)
        request.proxy = lease.credential.proxy
        let response = try await context.http.send(request)
        guard (200..<300).contains(response.status) else {
            throw await response.failure(now: context.time.wallNow)
        }
        return response
    }
}
