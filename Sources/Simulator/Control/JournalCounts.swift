import PolluxCore

/// How many requests there were by operation and account, and how they ended; small however many they are, since both
/// come from the simulator's own lists.
struct JournalCounts: Sendable {
    private struct Key: Hashable { let operation: String; let account: String? }
    private struct Count { var requests = 0; var refused = 0; var cutByClient = 0; var cutBySimulator = 0 }

    private var counts: [Key: Count] = [:]

    /// An entry changed: it became known what was asked and by whom, or how it ended.
    mutating func note(from old: Journal.Entry, to new: Journal.Entry) {
        if old.operation != new.operation || old.account != new.account {
            let known = Key(operation: old.operation, account: old.account)
            if let count = counts[known], count.requests > 0, !old.operation.isEmpty {
                counts[known]?.requests -= 1
                if count.requests == 1 { counts[known] = nil }
            }
            counts[key(of: new), default: Count()].requests += 1
        }
        if old.status == nil, let status = new.status, status >= 400 {
            counts[key(of: new), default: Count()].refused += 1
        }
        guard old.ending != new.ending else { return }
        switch new.ending {
        case .cutByClient: counts[key(of: new), default: Count()].cutByClient += 1
        case .cutBySimulator: counts[key(of: new), default: Count()].cutBySimulator += 1
        case .open, .complete: break
        }
    }

    private func key(of entry: Journal.Entry) -> Key { Key(operation: entry.operation, account: entry.account) }

    /// A list, by operation and account.
    var json: JSON {
        let sorted = counts.sorted {
            ($0.key.operation, $0.key.account ?? "") < ($1.key.operation, $1.key.account ?? "")
        }
        return .array(
            sorted.map { key, count in
                [
                    "operation": .string(key.operation), "account": key.account.map { .string($0) } ?? .null,
                    "requests": .number(JSONNumber(count.requests)), "refused": .number(JSONNumber(count.refused)),
                    "cut_by_client": .number(JSONNumber(count.cutByClient)),
                    "cut_by_simulator": .number(JSONNumber(count.cutBySimulator)),
                ]
            })
    }
}
