internal import PolluxCore
internal import Synchronization

/// What a connection says first: who it is, which database it wants, and its scripts. Only then others may send.
final class RedisGreeting: Sendable {
    struct Step: Sendable {
        var arguments: [[UInt8]]
        var isRight: @Sendable (RedisReply) -> Bool
    }

    private let state: Mutex<(left: Int, complaint: String?)>
    let steps: [Step]

    init(_ address: RedisAddress, _ scripts: [RedisScript]) {
        var steps: [Step] = []
        if let password = address.password?.reveal() {
            let login = address.user.isEmpty ? [password] : [address.user, password]
            steps.append(Step(arguments: Self.bytes(["AUTH"] + login)) { $0.isOK })
        }
        if address.database != 0 {
            steps.append(Step(arguments: Self.bytes(["SELECT", String(address.database)])) { $0.isOK })
        }
        steps.append(Step(arguments: Self.bytes(["PING"])) { $0 == .status("PONG") })
        for script in scripts {
            steps.append(Step(arguments: Self.bytes(["SCRIPT", "LOAD"]) + [script.text]) { script.take(loaded: $0) })
        }
        self.steps = steps
        state = Mutex((steps.count, nil))
    }

    func take(_ result: Result<RedisReply, RedisFailure>, for step: Step) {
        state.withLock { state in
            state.left -= 1
            let complaint: String? =
                switch result {
                case .success(let reply) where step.isRight(reply): nil
                case .success(.error(let words)): RedisFailure.refused(words).description
                case .success: "what answers there is no Redis"
                case .failure(let failure): failure.description
                }
            state.complaint = state.complaint ?? complaint
        }
    }

    var isOver: Bool { state.withLock { $0.left == 0 } }
    /// What went wrong first.
    var complaint: String? { state.withLock { $0.complaint } }

    private static func bytes(_ words: [String]) -> [[UInt8]] { words.map { Array($0.utf8) } }
}
