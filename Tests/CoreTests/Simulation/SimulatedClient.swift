import PolluxCore
import PolluxTesting

/// One client: asks, reads at its own pace, perhaps leaves.
///
/// Unchecked: only jobs of one simulation touch it.
final class SimulatedClient: @unchecked Sendable {
    private let world: SimulatedWorld
    private let visit: Visit
    private let request: ModelRequest
    /// How long it takes over each event.
    private let readingPause: Duration
    /// Its stream opens in time even when the attempt has failed meanwhile, as a sink may that does not heed failures.
    private let opensAnyway: Bool
    /// It leaves soon after the first failure.
    private let isNervous: Bool
    private var asking: Task<Void, Never>?
    private var leaving: Task<Void, Never>?
    private var commitClock: Task<Void, Never>?

    init(_ world: SimulatedWorld, id: Int) {
        let dice = world.dice
        self.world = world
        let route = dice.pick(world.plan.routes)
        let talk = Talk("r\(id)", answered: world.answered, dice)
        request = Self.request("r\(id)", route.model, talk, world)
        let isImage = request.modalities.contains(.image)
        let willing = world.plan.providers.filter { !(isImage && $0.refusesImages) }.map(\.name)
        let referee = world.referee
        referee.meetMoment()
        visit = Visit(
            id: id, model: route.model, work: NaiveWork(isImage ? .images : .text, route.upstreamModel), talk: talk,
            isStreamed: request.stream,
            candidates: route.providers.filter(willing.contains), arrival: referee.now,
            deadline: request.deadline ?? .distantFuture)
        isNervous = dice.chance(15)
        opensAnyway = dice.chance(50)
        readingPause = dice.chance(70) ? .zero : dice.pick(seconds: [0.1, 1, 20])
    }

    private static func request(_ id: String, _ model: String, _ talk: Talk, _ world: SimulatedWorld) -> ModelRequest {
        let dice = world.dice
        var request = ModelRequest(id: id, model: model)
        request.stream = dice.chance(50)
        if dice.chance(20) { request.modalities = [.image] }
        let patience = dice.pick(seconds: [1, 2, 10, 60, 330, 330, 330])
        request.deadline = world.simulation.time.now + patience
        request.turns = talk.turns
        request.client.keyID = talk.key
        request.conversation.id = talk.id
        request.conversation.previousResponseID = talk.previous
        request.conversation.promptCacheKey = talk.cacheKey
        request.conversation.answerID = id
        return request
    }

    var isOver: Bool { visit.state == .done }
    var requestID: String { request.id }
    var followed: Visit { visit }

    /// The run is over before its time.
    func abandon() { for task in [asking, leaving, commitClock] { task?.cancel() } }

    func start() {
        asking = world.simulation.start { await self.ask() }
        let stays = world.dice.chance(80)
        let leave =
            stays
            ? visit.deadline : world.referee.now + world.dice.pick(seconds: [0, 0.1, 0.3, 0.6, 1, 1.5, 3, 10, 30])
        leaving = world.simulation.start { await self.leave(at: leave) }
    }

    private func ask() async {
        world.referee.arrives(visit)
        let sink = SimulatedSink(self)
        do {
            let record = try await world.pipeline.generate(request, into: sink, log: .silent)
            world.referee.ends(visit, .success(record))
            world.noteAnswer(to: request.id)
        } catch {
            world.referee.ends(visit, .failure(error))
        }
        leaving?.cancel()
        commitClock?.cancel()
        world.forget(self)
    }

    private func leave(at moment: Instant) async {
        // A client that is answered first cancels this.
        do { try await world.simulation.time.sleep(until: min(moment, visit.deadline)) } catch { return }
        guard !isOver else { return }
        world.referee.leaves(visit, moment < visit.deadline ? "leaves" : "runs out of time")
        asking?.cancel()
    }

    // MARK: What the sink does

    fileprivate func begin(_ target: RouteTarget, _ attempt: Int) {
        world.referee.check(
            attempt == visit.attempts.count + 1, .recordTrue, "#\(visit.id): attempt \(attempt) is announced")
        visit.taken = []
        commitClock?.cancel()
    }

    /// A stream opens ten seconds after the upstream has accepted, unless the attempt fails before.
    fileprivate func accepted() {
        world.referee.isAccepted(visit)
        guard visit.isStreamed else { return }
        commitClock?.cancel()
        commitClock = world.simulation.start { [self] in
            let time = world.simulation.time
            do { try await time.sleep(until: time.now + .seconds(10)) } catch { return }
            if !isOver { world.referee.commits(visit, by: "clock") }
        }
    }

    fileprivate func attemptFailed() {
        if !opensAnyway { commitClock?.cancel() }
        guard isNervous, visit.leftAt == nil else { return }
        leaving?.cancel()
        let moment = world.referee.now + world.dice.pick(seconds: [0, 0.05, 0.2])
        leaving = world.simulation.start { await self.leave(at: moment) }
    }

    fileprivate func take(_ event: ModelEvent) async throws(GatewayError) {
        if event.isContent { world.referee.attemptAnswers(visit) }
        if visit.leftAt != nil { throw .cancelled }
        world.referee.takes(visit, event)
        if visit.isStreamed, event.isContent { world.referee.commits(visit, by: "content") }
        let time = world.simulation.time
        if visit.isStreamed, readingPause > .zero { try await time.sleep(until: time.now + readingPause) }
        if event == .ended { world.referee.attemptEnds(visit, visit.attempts.count, .answered) }
    }

    fileprivate var isCommitted: Bool { visit.isCommitted }
}

private final class SimulatedSink: AnswerSink {
    private let client: SimulatedClient
    init(_ client: SimulatedClient) { self.client = client }

    var isCommitted: Bool { client.isCommitted }
    func begin(_ target: RouteTarget, attempt: Int) { client.begin(target, attempt) }
    func upstreamAccepted() { client.accepted() }
    func attemptFailed() { client.attemptFailed() }
    func take(_ event: ModelEvent, more: Bool) async throws(GatewayError) { try await client.take(event) }
}
