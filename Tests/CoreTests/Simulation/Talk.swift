import PolluxCore

/// What a request says about the conversation that it belongs to.
struct Talk: Sendable {
    /// The client key's id.
    let key: String
    /// Its messages in turn, the client's first.
    var texts: [String]
    var id: String?
    /// The request whose answer it goes on from.
    var previous: String?
    var cacheKey: String?

    /// Names repeat, among the clients of one key and of others.
    init(_ request: String, answered: [String], _ dice: Dice) {
        key = dice.pick(["", "k0", "k0", "k1"])
        texts = [request]
        switch dice.below(6) {
        case 0: id = "c\(dice.below(3))"
        case 1: cacheKey = "c\(dice.below(3))"
        case 2: previous = answered.isEmpty ? nil : dice.pick(answered)
        case 3:
            let name = "t\(dice.below(3))"
            texts = (0...2 * dice.below(4)).map { "\(name) \($0)" }
        default: break
        }
    }

    var turns: [Turn] { texts.enumerated().map { Turn($0.offset % 2 == 0 ? .user : .model, [.text($0.element)]) } }
}

/// Which account a conversation had last, by the documented rules: one list, the oldest first, names in clear.
struct NaiveAffinity {
    struct Place: Equatable {
        let provider: String
        let account: String
    }

    /// One client's name for a conversation.
    private struct Name: Equatable {
        let key: String
        let text: String
    }

    private let rules: ConversationRules
    private var list: [(name: Name, place: Place, at: Instant)] = []

    init(_ rules: ConversationRules) { self.rules = rules }

    /// Where the conversation was last.
    func place(of talk: Talk, _ now: Instant) -> Place? {
        for text in lookups(talk) {
            if let place = find(Name(key: talk.key, text: text), now) { return place }
        }
        return nil
    }

    /// Where conversations of other keys are that happen to have the same names.
    func foreignPlaces(of talk: Talk) -> [Place] {
        let names = lookups(talk)
        return list.filter { $0.name.key != talk.key && names.contains($0.name.text) }.map(\.place)
    }

    mutating func remember(_ talk: Talk, answer: String, at place: Place, _ now: Instant) {
        var names = ["answer \(answer)"]
        if let id = talk.id {
            names.append("id \(id)")
        } else {
            if let cacheKey = talk.cacheKey { names.append("cache \(cacheKey)") }
            names.append("begins \(talk.texts)")
        }
        for text in names {
            let name = Name(key: talk.key, text: text)
            list.removeAll { $0.name == name || now - $0.at >= rules.timeToLive }
            if rules.maxEntries > 0 { list.append((name, place, now)) }
            if list.count > rules.maxEntries { list.removeFirst() }
        }
    }

    /// What the client says; else every beginning that ends before an answer, the longest first.
    private func lookups(_ talk: Talk) -> [String] {
        if let id = talk.id { return ["id \(id)"] }
        let beginnings = stride(from: talk.texts.count - 2, to: 0, by: -2).map { "begins \(Array(talk.texts[..<$0]))" }
        return [talk.previous.map { "answer \($0)" }, talk.cacheKey.map { "cache \($0)" }].compactMap { $0 }
            + beginnings
    }

    private func find(_ name: Name, _ now: Instant) -> Place? {
        list.first { $0.name == name && now - $0.at < rules.timeToLive }?.place
    }
}
