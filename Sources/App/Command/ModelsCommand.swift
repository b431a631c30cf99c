import PolluxCore

struct ModelsCommand: Command {
    let name = "models"
    let summary = "List the models that clients may name, and where they lead."
    let help = """
        Usage: pollux models [--settings FILE] [--json]

        Lists the entries of models: and what each provider offers. Providers whose models only the upstream knows are
        asked for them.
        """
    let options = [SettingsOption.option, CommandOption("json", help: "Print JSON.")]

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        let host = try GatewayHost(settings: settings, invocation: invocation)
        let problems = await host.refreshCatalog().filter { $0.problem != nil }
        for problem in problems { invocation.console.err(problem.line) }
        let models = host.gateway.pipeline.models.map { Row($0, host.gateway.pipeline.targets(for: $0.id)) }
        if invocation.has("json") {
            invocation.console.out(JSON.object(JSONObject([("models", .array(models.map(\.json)))])).text)
        } else {
            let width = models.map(\.id.count).max() ?? 0
            for model in models { invocation.console.out("\(model.id.padded(to: width))  \(model.targetText)") }
        }
        if settings.providers.isEmpty {
            invocation.console.err("no provider offers a model; add one under providers:")
        } else if models.isEmpty {
            invocation.console.err("no provider has told its models; 'pollux doctor' says why")
        }
        host.stop()
        return problems.isEmpty ? 0 : 1
    }
}

/// A model and the providers that serve it.
private struct Row {
    let id: String
    let owner: String
    let targets: [String]

    init(_ model: ModelInfo, _ targets: [RouteTarget]) {
        (id, owner) = (model.id, model.owner)
        self.targets = targets.map { "\($0.provider)/\($0.model)" }
    }

    var targetText: String { targets.joined(separator: ", ") }

    var json: JSON {
        .object(
            JSONObject([
                ("id", .string(id)), ("owner", .string(owner)), ("targets", .array(targets.map { .string($0) })),
            ]))
    }
}
