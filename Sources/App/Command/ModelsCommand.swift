import PolluxAdmin
import PolluxCore

struct ModelsCommand: Command {
    let name = "models"
    let summary = "List the models that clients may name, and where they lead."
    let help = """
        Usage: pollux models [--settings FILE] [--json]

        Lists the entries of models: and what each provider offers, as the running gateway knows it. While none runs,
        providers whose models only the upstream knows are asked for them, with the accounts' renewed secrets.
        """
    let options = [SettingsOption.option, CommandOption("json", help: "Print JSON.")]

    func run(_ invocation: Invocation) async throws(GatewayError) -> Int32 {
        guard let settings = SettingsOption.load(invocation) else { return 1 }
        let (models, problems) = try await Self.offered(settings, invocation)
        for problem in problems { invocation.console.err(problem.line) }
        if invocation.wantsJSON {
            invocation.show(["models": .array(models.map(\.json))])
        } else {
            let width = models.map(\.id.count).max() ?? 0
            for model in models {
                let line = "\(model.id.padded(to: width))  \(model.targets.joined(separator: ", "))"
                invocation.console.out(line.printable)
            }
        }
        if settings.providers.isEmpty {
            invocation.console.err("no provider offers a model; add one under providers:")
        } else if models.isEmpty {
            invocation.console.err("no provider has told its models; 'pollux doctor' says why")
        }
        return problems.isEmpty ? 0 : 1
    }

    private static func offered(
        _ settings: GatewaySettings, _ invocation: Invocation
    ) async throws(GatewayError) -> ([OfferedModel], [Finding]) {
        switch try await ExaminedGateway.open(settings, invocation) {
        case .running(let session):
            let answer = await session.asking(AdminAsk(.get, "models"))
            await session.door.close()
            let items = try answer.get()["items"]?.array ?? []
            let models = items.map { item in
                OfferedModel(
                    id: item.text("id"), owner: item.text("owner"),
                    targets: (item["targets"]?.array ?? []).compactMap(\.string))
            }
            return (models, [])
        case .here(let host, let close):
            let problems = await host.refreshCatalog().filter { $0.problem != nil }
            let models = host.gateway.pipeline.offeredModels
            await close()
            return (models, problems)
        }
    }
}
