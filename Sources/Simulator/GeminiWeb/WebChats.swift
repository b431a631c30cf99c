import PolluxCore

/// The conversations of one account.
struct WebChats: Sendable {
    private var chats: [String: WebChat] = [:]
    /// Ids, the oldest first.
    private var order: [String] = []

    private static let most = 1000

    subscript(_ cid: String) -> WebChat? { chats[cid] }

    mutating func put(_ chat: WebChat) {
        if chats.updateValue(chat, forKey: chat.cid) == nil {
            order.append(chat.cid)
            if order.count > Self.most { chats[order.removeFirst()] = nil }
        }
    }

    mutating func remove(_ cid: String) {
        guard chats.removeValue(forKey: cid) != nil else { return }
        order.removeAll { $0 == cid }
    }

    /// Those that the account's history shows, the one with the latest turn first.
    var listed: [WebChat] {
        let shown = order.compactMap { chats[$0] }.filter { !$0.isTemporary && !$0.turns.isEmpty }
        return shown.enumerated().sorted { left, right in
            (left.element.lastTime, left.offset) > (right.element.lastTime, right.offset)
        }.map(\.element)
    }
}

/// One conversation.
struct WebChat: Sendable {
    let cid: String
    /// The model of the first turn; a later turn with another one is refused.
    let model: String
    /// Continuable, but neither listed nor readable.
    let isTemporary: Bool
    let title: String
    private(set) var turns: [WebTurn] = []
    /// Turns ever, those that are no longer kept included.
    private(set) var turnCount = 0

    private static let mostTurns = 1000

    init(cid: String, model: String, isTemporary: Bool, title: String) {
        (self.cid, self.model, self.isTemporary, self.title) = (cid, model, isTemporary, title)
    }

    mutating func append(_ turn: WebTurn) {
        turns.append(turn)
        turnCount += 1
        if turns.count > Self.mostTurns { turns.removeFirst() }
    }

    var lastTime: WallTime { turns.last?.time ?? WallTime(seconds: 0) }

    /// The row of `MaZiqc`.
    var row: JSON { [.string(cid), .string(title), false, nil, nil, lastTime.secondsAndNanos] }
}

/// A finished turn.
struct WebTurn: Sendable {
    let rid: String
    let rcid: String
    let prompt: String
    /// The candidate as the completing frame had it.
    let candidate: JSON
    let time: WallTime

    /// The element of `hNvQHb` (protocol notes, section 10.3).
    func json(cid: String) -> JSON {
        [[.string(cid), .string(rid)], nil, [[.string(prompt)]], [[candidate]], time.secondsAndNanos]
    }

    var firstPromptLine: String {
        prompt.utf8.split(separator: UInt8(ascii: "\n"), maxSplits: 1, omittingEmptySubsequences: false).first
            .map { String(Substring($0)) } ?? ""
    }
}

extension WallTime {
    /// `[seconds, nanoseconds]`
    var secondsAndNanos: JSON {
        let rest = Int(microseconds - seconds * 1_000_000) * 1000
        return [.number(JSONNumber(Int(seconds))), .number(JSONNumber(rest))]
    }
}
