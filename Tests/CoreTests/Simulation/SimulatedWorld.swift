import PolluxCore
import PolluxTesting

/// The pipeline with its pools as in the gateway, and everybody around it simulated, from one seed.
///
/// Unchecked: only jobs of one simulation touch it.
final class SimulatedWorld: @unchecked Sendable {
    let plan: WorldPlan
    let dice: Dice
    let simulation: Simulation
    let referee: Referee
    private(set) var pools: [String: AccountPool] = [:]
    private(set) var weather: Weather
    private var upstreams: [Upstream] = []
    private var clients: [String: SimulatedClient] = [:]
    private var lastClient = 0
    /// Requests that were answered, the last few.
    private(set) var answered: [String] = []
    private let random: SeededRandom

    /// What a run leaves to look at.
    struct Report: Sendable {
        let violation: String?
        let hash: UInt64
        let steps: Int
        let length: Duration
        let tally: [String: Int]
        let lastLines: [String]
    }

    private init(seed: UInt64, isTold: Bool) {
        // Distinct streams, so that one more draw here does not shift the schedule.
        dice = Dice(seed: seed &* 3)
        simulation = Simulation(seed: seed &* 3 &+ 1)
        random = SeededRandom(seed: seed &* 3 &+ 2)
        plan = WorldPlan(seed: seed, dice)
        weather = plan.episodes[0].weather
        referee = Referee(plan, simulation, isTold: isTold)
        for provider in plan.providers {
            let pool = AccountPool(
                provider.rules, name: provider.name, random: NoJitter(), time: simulation.time)
            pools[provider.name] = pool
            upstreams.append(
                Upstream(
                    name: provider.name, kind: SimulatedProvider.kind,
                    provider: SimulatedProvider(provider, self), pool: pool, retry: plan.retry))
        }
    }

    lazy var pipeline: Pipeline = {
        let models = plan.routes.map { ModelInfo(id: $0.model, owner: "simulation") }
        let routes = plan.routes.map { route in
            ModelRoute(
                id: route.model, targets: route.providers.map { RouteTarget(provider: $0, model: route.upstreamModel) })
        }
        return Pipeline(
            router: Router(routes: routes), catalog: ModelCatalog(providers: upstreams.map { ($0.name, models) }),
            upstreams: upstreams, retry: plan.retry, queue: plan.queue,
            affinity: plan.conversations.map { Affinity($0, random: random) }, time: simulation.time, random: random)
    }()

    /// Lives through all that the seed holds.
    ///
    /// - Parameter isTold: Each line of the trace is printed as it happens.
    static func run(seed: UInt64, isTold: Bool = false) -> Report {
        SimulatedWorld(seed: seed, isTold: isTold).live()
    }

    private func live() -> Report {
        let people = SimulatedOperator(self)
        simulation.start { await self.sendClients(people) }
        let ending = simulation.run(
            afterStep: { referee.violation == nil },
            whenQuiet: {
                referee.lookAround(pools)
                return referee.violation == nil
            })
        switch ending {
        case .finished: referee.checkAllBack(pools)
        case .stopped: break
        case .stalled(let tasks): referee.check(false, .everyoneDone, "\(tasks) tasks")
        case .spinning: referee.check(false, .clockGoesOn, "jobs follow each other without end")
        case .strayed: referee.check(false, .onlyOneThread, "a job came from another thread")
        }
        let report = Report(
            violation: referee.violation?.description, hash: referee.trace.hash, steps: simulation.steps,
            length: simulation.time.now - Instant(microseconds: 0), tally: referee.wholeTally,
            lastLines: referee.trace.lastLines)
        if report.violation != nil { abandon() }
        upstreams = []
        return report
    }

    private func sendClients(_ people: SimulatedOperator) async {
        for episode in plan.episodes {
            weather = episode.weather
            do { try await simulation.time.sleep(until: simulation.time.now + episode.rest) } catch { return }
            if episode.isTended { people.putAllRight() }
            let changes = simulation.start { await people.work() }
            await sendClients(of: episode)
            changes.cancel()
        }
    }

    private func sendClients(of episode: WorldPlan.Episode) async {
        let time = simulation.time
        for _ in 0..<episode.clients {
            lastClient += 1
            let client = SimulatedClient(self, id: lastClient)
            clients[client.requestID] = client
            client.start()
            guard episode.spacing > .zero else { continue }
            do { try await time.sleep(until: time.now + episode.spacing) } catch { return }
        }
        // Changes go on while answers run.
        let rest = dice.pick(seconds: [0, 60, 600])
        do { try await time.sleep(until: time.now + rest) } catch { return }
    }

    func visit(_ requestID: String) -> Visit? { clients[requestID]?.followed }

    func forget(_ client: SimulatedClient) { clients[client.requestID] = nil }

    func noteAnswer(to requestID: String) { answered = (answered + [requestID]).suffix(5) }

    /// After a violation nobody goes on; what waits is let go, so that nothing is left behind.
    private func abandon() {
        for client in clients.values { client.abandon() }
        _ = simulation.run(afterStep: { simulation.steps < 10_000_000 })
    }
}
