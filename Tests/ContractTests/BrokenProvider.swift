import PolluxCore

/// A provider of one line of text per piece, ended by a line `.`; right in everything but the one defect it is given.
struct BrokenProvider: Provider, ModelListing {
    enum Defect: String, CaseIterable {
        case none, noStarted, noEnded, endedTwice, goesOn, takesCutForWhole, splitsWrongly, swallowsFailure, readsAhead
        case keepsTransfer, ignoresCancelling, relabelsCancelling, tellsUpstreamsWords, tellsHost, tellsSecret
        case logsSecret, secretInURL, wrongKind, restsOnServerError, forgetsRejection, forgetsRetryAfter
        case effectWithoutAccount, noRefusal, refusesAll, noProxy, tellsClient, rawModelInField, noProblem
        case relabelsTimeout, asksForever, answersNothing, sameModelTwice
    }

    struct Settings: SettingsReadable {
        var baseURL: String
        var defect: Defect

        init(reading map: inout SettingsMap) {
            baseURL = map.requireURL("base_url", example: "https://lines.example", help: "Where the lines come from.")
            defect = map.choice("defect", default: Defect.none, help: "What is wrong with it.")
        }
    }

    static let kind: PluginKind = "broken"

    private let settings: Settings
    private let context: ProviderContext
    private var defect: Defect { settings.defect }

    init(settings: Settings, context: ProviderContext) throws(GatewayError) {
        (self.settings, self.context) = (settings, context)
    }

    var offeredModels: [ModelInfo]? {
        [ModelInfo(id: "lines-1", owner: "lines")]
            + (defect == .sameModelTwice ? [ModelInfo(id: "lines-1", owner: "x")] : [])
    }

    func listModels(on lease: any AccountLease) async throws(GatewayError) -> [ModelInfo] { [] }

    func problem(with credential: Credential) -> String? {
        credential["api_key"] == nil && defect != .noProblem ? "the account has no api_key" : nil
    }

    func refusal(of request: ModelRequest) -> GatewayError? {
        let isPlain = request.needs.isEmpty && defect != .refusesAll
        return isPlain || defect == .noRefusal
            ? nil : GatewayError(.unsupported, .request, "lines are text; leave out everything else")
    }

    func generate(_ request: ModelRequest, on lease: any AccountLease) async throws(GatewayError) -> EventStream {
        let key = lease.credential["api_key"]?.reveal() ?? ""
        if defect == .logsSecret { context.log.info("asking", [LogField("key", key)]) }
        var sent = UpstreamRequest(
            .post, settings.baseURL + (defect == .secretInURL ? "/lines?key=\(key)" : "/lines"),
            fields: ["authorization": "Bearer \(key)"], body: Array("hi".utf8))
        if defect == .rawModelInField { sent.fields.append("x-model", request.resolvedModel) }
        if defect == .tellsClient { sent.fields.append("user-agent", request.client.userAgent) }
        if defect != .noProxy { sent.proxy = lease.credential.proxy }
        let response = try await send(sent)
        guard response.status == 200 else { throw await failure(response, key) }
        var lines = Lines(body: response.body, defect: defect)
        if defect == .readsAhead { try await lines.readAhead() }
        if defect == .keepsTransfer { Kept.shared.keep(response.body) }
        return EventStream(lines)
    }

    private func send(_ request: UpstreamRequest) async throws(GatewayError) -> UpstreamResponse {
        var rest = defect == .asksForever ? 1000 : 0
        while true {
            do {
                return try await context.http.send(request)
            } catch {
                if rest > 0 { rest -= 1 } else { throw relabelled(error) }
            }
        }
    }

    private func relabelled(_ error: GatewayError) -> GatewayError {
        switch (defect, error.kind) {
        case (.relabelsCancelling, .cancelled): GatewayError(.upstreamReset, .endpoint, "reset")
        case (.relabelsTimeout, .upstreamTimeout): GatewayError(.upstreamError, .endpoint, "failed")
        default: error
        }
    }

    private func failure(_ response: UpstreamResponse, _ key: String) async -> GatewayError {
        let status = response.status
        var error =
            switch status {
            case 401:
                GatewayError(.upstreamAuth, .account, "the key is refused", accountEffect: .rejectCredential)
            case 429:
                GatewayError(
                    .rateLimited, .account, "too much", retryAfter: retryAfter(response), accountEffect: .cool)
            default: GatewayError(.upstreamError, .endpoint, "the upstream failed")
            }
        error.upstreamStatus = status
        switch defect {
        case .tellsUpstreamsWords:
            do { error.message = String(decoding: try await response.body.collect(), as: UTF8.self) } catch {}
        case .tellsHost: error.message = "\(settings.baseURL) failed"
        case .tellsSecret: error.detail = "asked with \(key)"
        case .wrongKind where status == 401: error.kind = .authentication
        case .forgetsRejection: error.accountEffect = .none
        case .restsOnServerError where status >= 500: (error.scope, error.accountEffect) = (.account, .cool)
        case .effectWithoutAccount where status == 429: error.scope = .request
        default: break
        }
        return error
    }

    private func retryAfter(_ response: UpstreamResponse) -> Duration? {
        if defect == .forgetsRetryAfter { return nil }
        return response.fields["retry-after"].flatMap { Int($0) }.map { .seconds($0) }
    }
}

private struct Lines: EventSource {
    let body: any UpstreamBody
    let defect: BrokenProvider.Defect
    private var buffer: [UInt8] = []
    private var pending: [ModelEvent] = []
    private var isDone = false

    init(body: any UpstreamBody, defect: BrokenProvider.Defect) {
        (self.body, self.defect) = (body, defect)
        if defect != .noStarted { pending = [.started(responseID: "", model: "lines-1")] }
    }

    mutating func readAhead() async throws(GatewayError) { buffer = try await body.collect() }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        while pending.isEmpty {
            if isDone { return nil }
            if defect == .answersNothing { finish() } else { try await read() }
        }
        return pending.removeFirst()
    }

    private mutating func read() async throws(GatewayError) {
        if let end = buffer.firstIndex(of: 0x0A) {
            let line = String(decoding: buffer[..<end], as: UTF8.self)
            buffer.removeSubrange(...end)
            if line == "." { finish() } else { pending.append(.textDelta(line)) }
            return
        }
        let piece: [UInt8]?
        do {
            piece = try await body.next()
        } catch {
            if defect == .ignoresCancelling, error.kind == .cancelled { return finish() }
            if defect == .swallowsFailure { return finish() }
            if defect == .relabelsTimeout, error.kind == .upstreamTimeout {
                throw GatewayError(.upstreamError, .endpoint, "failed")
            }
            throw error
        }
        guard let piece else {
            if defect == .takesCutForWhole { return finish() }
            throw GatewayError(.upstreamTruncated, .endpoint, "the answer broke off; try again")
        }
        if defect == .splitsWrongly, piece.count == 1 { return }
        buffer += piece
    }

    private mutating func finish() {
        isDone = true
        pending.append(.finished(.stop))
        if defect == .goesOn { pending.append(.textDelta("more")) }
        if defect != .noEnded { pending.append(.ended) }
        if defect == .endedTwice { pending.append(.ended) }
    }
}
