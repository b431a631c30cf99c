internal import PolluxCore

/// A provider under the contract: makes a fresh one for each run, so that no run can lean on what another one left.
struct ProviderTrial: Sendable {
    let contract: ProviderContract
    let report: ContractReport
    /// The request with a model that the provider offers.
    let request: ModelRequest
    let credential: Credential
    /// Texts that must stay inside.
    let secrets: [String]
    /// What the undisturbed run gave.
    let whole: Run
    /// The request whose answer becomes the events: the last one before `generate` returned.
    let answerRequest: UpstreamRequest

    /// One run to its end.
    struct Run: Sendable {
        var events: [ModelEvent] = []
        var error: GatewayError?
        /// The stream came to `nil`.
        var hasStopped = false
        var orderFaults: [String] = []
        var response = ModelResponse()
        var requests: [UpstreamRequest] = []
        /// Requests made when `generate` returned.
        var requestsAtStart = 0
        var openBodies = 0
        var log = ""
        var took: Duration = .zero
        var isFlooded = false

        var hasEnded: Bool { events.last == .ended }
    }

    private static let mostEvents = 100_000

    /// - Returns: `nil` when the undisturbed run fails already: nothing else can be judged then.
    init?(_ contract: ProviderContract, secrets: [String], report: ContractReport) async {
        (self.contract, self.report) = (contract, report)
        let upstream = Self.upstream(contract, .nothing, HurriedTime()) { _ in false }
        let provider: any Provider
        do {
            provider = try Self.makeProvider(contract, upstream, HurriedTime(), RecordedLog())
        } catch {
            report.add("settings", "the provider cannot be made from its sample settings: \(error.message)")
            return nil
        }
        report.require(upstream.requests.isEmpty, "settings", "init makes requests; they belong in generate or run")
        guard let credential = contract.credential ?? provider.ownCredentials.first else {
            report.add("accounts", "the provider has no account of its own; give the contract a credential")
            return nil
        }
        self.credential = credential
        let own = credential.values.filter { !contract.publicValues.contains($0.key) }.map { $0.value.reveal() }
        self.secrets = Set(secrets + own).filter { $0.utf8.count >= 8 }.sorted()
        var request = contract.request
        if request.model.isEmpty { request.model = provider.offeredModels?.first?.id ?? "model-1" }
        request.resolvedModel = request.model
        self.request = request
        let run = await Self.run(contract, request, credential, .nothing) { _ in false }
        guard run.error == nil, run.requests.indices.contains(run.requestsAtStart - 1) else {
            report.add("answer", "the script's good answer fails: \(run.error?.description ?? "no request was made")")
            return nil
        }
        (whole, answerRequest) = (run, run.requests[run.requestsAtStart - 1])
    }

    /// Runs the request while the upstream spoils its answer.
    func run(_ spoil: ContractUpstream.Spoil, _ request: ModelRequest? = nil) async -> Run {
        let run = await Self.run(contract, request ?? self.request, credential, spoil, where: isAnswer)
        look(for: secrets, in: run, doing: spoil.name)
        report.require(!run.isFlooded, "requests", "\(spoil.name): the provider asks again and again without end")
        return run
    }

    /// By method and path: a repeated request is spoilt again.
    var isAnswer: @Sendable (UpstreamRequest) -> Bool {
        let (method, path) = (answerRequest.method, answerRequest.url.prefix { $0 != "?" })
        return { $0.method == method && $0.url.prefix { $0 != "?" } == path }
    }

    func makeProvider(_ upstream: ContractUpstream, _ time: HurriedTime, _ log: RecordedLog) -> (any Provider)? {
        do { return try Self.makeProvider(contract, upstream, time, log) } catch { return nil }
    }

    func upstream(_ spoil: ContractUpstream.Spoil, _ time: HurriedTime) -> ContractUpstream {
        Self.upstream(contract, spoil, time, where: isAnswer)
    }

    private static func upstream(
        _ contract: ProviderContract, _ spoil: ContractUpstream.Spoil, _ time: HurriedTime,
        where isSpoilt: @escaping @Sendable (UpstreamRequest) -> Bool
    ) -> ContractUpstream {
        ContractUpstream(
            contract.script, spoil: spoil, where: isSpoilt, deadlines: contract.plugin.defaultDeadlines, time: time)
    }

    private static func makeProvider(
        _ contract: ProviderContract, _ upstream: ContractUpstream, _ time: HurriedTime, _ log: RecordedLog
    ) throws(GatewayError) -> any Provider {
        var map = SettingsMap(SettingsNode(json: contract.settings), path: SettingsContract.path)
        let make = contract.plugin.read(&map)
        return try make(
            ProviderContext(
                name: "contract", http: upstream, time: time, random: SeededRandom(seed: 1), log: log.logger))
    }

    private static func run(
        _ contract: ProviderContract, _ request: ModelRequest, _ credential: Credential,
        _ spoil: ContractUpstream.Spoil, where isSpoilt: @escaping @Sendable (UpstreamRequest) -> Bool
    ) async -> Run {
        let (time, log) = (HurriedTime(), RecordedLog())
        let upstream = upstream(contract, spoil, time, where: isSpoilt)
        var run = Run()
        var (order, reducer) = (EventOrder(), ModelResponseReducer())
        let start = time.now
        do {
            let provider = try makeProvider(contract, upstream, time, log)
            var stream = try await provider.generate(request, on: RecordedLease(credential))
            run.requestsAtStart = upstream.requests.count
            while run.events.count < mostEvents {
                guard let event = try await stream.next() else {
                    run.hasStopped = true
                    break
                }
                run.events.append(event)
                order.note(event)
                reducer.apply(event)
            }
        } catch {
            run.error = error
        }
        (run.orderFaults, run.response, run.requests) = (order.faults, reducer.response, upstream.requests)
        (run.openBodies, run.log) = (upstream.openBodies, log.text)
        (run.took, run.isFlooded) = (time.now - start, upstream.isFlooded)
        return run
    }
}

extension ContractUpstream.Spoil {
    /// For messages.
    var name: String {
        switch self {
        case .nothing: "a good answer"
        case .pieces(_, nil): "an answer in other pieces"
        case .pieces(_, let failure?): "an answer that breaks off with \(failure.kind.rawValue)"
        case .response(let response): "an answer with status \(response.status)"
        case .failure(let error): "a transfer that fails with \(error.kind.rawValue)"
        case .silence: "an upstream that does not answer"
        case .silenceAfter: "an upstream that falls silent"
        case .noFirstByte: "an upstream that is too late with its answer"
        case .gap: "an upstream that is too late with the rest of its answer"
        }
    }
}
