internal import PolluxCore

// MARK: - What is asked of the upstream, and what stays inside

extension ProviderTrial {
    func checkRequests() async {
        checkRefusedRequests()
        await checkHostileNames()
        await checkClient()
        await checkProxy()
        for request in whole.requests {
            let url = request.url
            report.require(
                url.hasPrefix("https://") || url.hasPrefix("http://"), "requests", "\(url.shownShort) is not absolute")
            for secret in secrets {
                report.require(!url.contains(secret), "secrets", "a secret stands in a URL, where every log sees it")
            }
        }
    }

    /// What no model of this provider can do is refused, with the client's fault named, and before anything is sent.
    private func checkRefusedRequests() {
        let upstream = upstream(.nothing, HurriedTime())
        guard let provider = makeProvider(upstream, HurriedTime(), RecordedLog()) else { return }
        if let error = provider.refusal(of: request) {
            report.add("refusals", "the sample request is refused: \(error)")
        }
        let models = provider.offeredModels ?? []
        report.require(
            provider.offeredModels != nil || provider is any ModelListing, "models",
            "nobody knows the models: give offeredModels, or adopt ModelListing")
        report.require(Set(models.map(\.id)).count == models.count, "models", "a model is offered twice")
        report.require(models.allSatisfy { !$0.id.isEmpty }, "models", "a model has an empty id")
        let able = models.reduce(into: ModelInfo.Capabilities()) { $0.formUnion($1.capabilities) }
        for (name, demanding) in demandingRequests {
            let error = provider.refusal(of: demanding)
            report.require(
                models.isEmpty || able.isSuperset(of: demanding.needs) || error != nil, "refusals",
                "no model offered can do what a request with \(name) needs, and it is not refused; declare it in the"
                    + " model's capabilities, or refuse it in refusal(of:)")
            guard let error else { continue }
            report.require(
                error.scope == .request, "refusals", "\(name): the refusal is about \(error.scope), not request")
            let isClients = [.unsupported, .invalidRequest, .contextTooLong, .requestTooLarge].contains(error.kind)
            report.require(isClients, "refusals", "\(name): \(error.kind) does not tell the client what to change")
            judge(error, status: nil, rule: "refusals", "a request with \(name)")
        }
        report.require(upstream.requests.isEmpty, "refusals", "refusal(of:) asks the upstream")
    }

    private var demandingRequests: [(String, ModelRequest)] {
        func changed(_ change: (inout ModelRequest) -> Void) -> ModelRequest {
            var copy = request
            change(&copy)
            return copy
        }
        let picture = Media(.image, mimeType: "image/png", .inline([0x89, 0x50, 0x4E, 0x47]))
        return [
            ("tools", changed { $0.tools = [ToolSpec(name: "clock", schema: ["type": "object"])] }),
            ("a hosted tool", changed { $0.hostedTools = [.webSearch(options: [:])] }),
            ("media", changed { $0.turns.append(Turn(.user, [Part(.media(picture))])) }),
            ("a JSON schema", changed { $0.output = .jsonSchema(name: "a", schema: ["type": "object"], strict: true) }),
            ("JSON", changed { $0.output = .json }), ("two candidates", changed { $0.candidateCount = 2 }),
            ("images wanted", changed { $0.modalities = [.image] }), ("no turns", changed { $0.turns = [] }),
        ]
    }

    /// A model's name comes from the client: it must not break out of a URL or a header line.
    private func checkHostileNames() async {
        for name in [
            "m\r\nx-evil: 1", "m\u{0}", "../../admin?x=1#y", "m\"}", "m%0d%0a", String(repeating: "m", count: 9000),
        ] {
            var request = request
            (request.model, request.resolvedModel) = (name, name)
            let run = await run(.nothing, request)
            for sent in run.requests {
                let lines = [sent.url] + sent.fields.flatMap { [$0.name, $0.value] }
                let isClean = lines.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
                report.require(
                    isClean, "requests", "the model \"\(name.shownShort)\" puts a control character on the wire")
                let base = answerRequest.url.prefix { $0 != "?" }.split(separator: "/", maxSplits: 3).prefix(2)
                report.require(
                    sent.url.split(separator: "/", maxSplits: 3).prefix(2) == base || !isAnswer(sent), "requests",
                    "the model \"\(name.shownShort)\" leads to another host")
                report.require(
                    !sent.url.contains("/../"), "requests", "the model \"\(name.shownShort)\" leads to another path")
            }
        }
    }

    /// Who asks is nobody's business but the gateway's. (A user that the client itself names may be passed on in the
    /// body.)
    private func checkClient() async {
        var request = request
        (request.client.keyID, request.client.address) = ("key-of-the-client-77", "203.0.113.77")
        request.client.userAgent = "program-of-the-client/7.7"
        let run = await run(.nothing, request)
        for sent in run.requests {
            let text =
                sent.url + sent.fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n")
                + String(decoding: sent.body ?? [], as: UTF8.self)
            for mark in [request.client.keyID, request.client.address, request.client.userAgent] {
                report.require(
                    !text.contains(mark), "client", "the upstream is told \"\(mark)\", which is the client's")
            }
        }
    }

    /// An account with a proxy of its own never shows its address without it.
    private func checkProxy() async {
        let (time, upstream) = (HurriedTime(), upstream(.nothing, HurriedTime()))
        guard let provider = makeProvider(upstream, time, RecordedLog()) else { return }
        var account = credential
        account.proxy = Secret("socks5h://127.0.0.1:9150")
        do {
            var stream = try await provider.generate(request, on: RecordedLease(account))
            while try await stream.next() != nil {}
        } catch {
            report.add("proxy", "with a proxy of the account's own, a good answer fails: \(error)")
        }
        for sent in upstream.requests {
            report.require(
                sent.proxy == account.proxy, "proxy",
                "the account's own proxy belongs into request.proxy of every request: \(sent.url.shownShort)")
            report.require(
                sent.network == nil, "proxy", "a request replaces the operator's network options, CA file and all")
        }
    }

    func checkAccounts() {
        let upstream = upstream(.nothing, HurriedTime())
        guard let provider = makeProvider(upstream, HurriedTime(), RecordedLog()) else { return }
        let ids = provider.ownCredentials.map(\.accountID)
        report.require(Set(ids).count == ids.count, "accounts", "two accounts of the settings have one id")
        for id in ids {
            let showsSecret = secrets.contains { id.contains($0) }
            report.require(!showsSecret, "secrets", "the id of an account holds its secret")
        }
        if let problem = provider.problem(with: credential) {
            report.add("accounts", "the good account is called unusable: \(problem)")
        }
        guard !credential.values.isEmpty else { return }
        let empty = provider.problem(with: Credential(accountID: "empty-account", values: [:]))
        report.require(
            empty.map { !$0.isEmpty } == true, "accounts",
            "problem(with:) says nothing about an account without any value, so it would be leased")
    }

    func look(for secrets: [String], in run: Run, doing: String) {
        for secret in secrets {
            if let error = run.error {
                report.require(
                    !error.message.contains(secret), "secrets", "\(doing): an error's message holds a secret")
                report.require(!error.detail.contains(secret), "secrets", "\(doing): an error's detail holds a secret")
            }
            report.require(!run.log.contains(secret), "secrets", "\(doing): the log holds a secret")
            let isShown = run.events.contains { "\($0)".contains(secret) }
            report.require(!isShown, "secrets", "\(doing): an event holds a secret")
        }
    }
}
