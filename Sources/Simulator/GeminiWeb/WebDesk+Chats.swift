import PolluxCore

/// Conversations: listed, read, deleted (protocol notes, sections 10.2 and 10.3).
extension WebDesk {
    private static let pinnedOnly = 1

    /// Payload `[page size, page token, [pinned, null, 1]]`. Nothing here pins a conversation, so the pinned ones are
    /// none. The page token is where the next page begins.
    func conversations(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard let size = payload[0]?.int, size > 0 else { return .rejected(Status.invalidArgument) }
        if payload[2]?[0]?.int == Self.pinnedOnly { return .result([nil, nil, []]) }
        let chats = state[caller.account].chats.listed
        let start = min(max(0, payload[1]?.string.flatMap { Int($0) } ?? 0), chats.count)
        let end = start + min(size, chats.count - start)
        let next: JSON = if end < chats.count { .string(String(end)) } else { .null }
        return .result([nil, next, .array(chats[start..<end].map(\.row))])
    }

    /// Payload `[cid, most turns, …]`. An unknown or temporary chat has no turns to read.
    func turns(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard let cid = payload[0]?.string else { return .rejected(Status.invalidArgument) }
        guard let chat = state[caller.account].chats[cid], !chat.isTemporary else { return .result([]) }
        let newestFirst = chat.turns.reversed().prefix(max(0, payload[1]?.int ?? 10))
        return .result([.array(newestFirst.map { $0.json(cid: cid) })])
    }

    func delete(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard let cid = payload[0]?.string else { return .rejected(Status.invalidArgument) }
        state[caller.account].chats.remove(cid)
        return .result([])
    }

    /// Where the stored original of a generated image is. Payload: the image's id at `[0][1][0]`, the turn at `[1]`
    /// as `[rid, rcid, cid]`.
    func fullSize(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard let imageID = payload[0]?[1]?[0]?.string, let rid = payload[1]?[0]?.string,
            let rcid = payload[1]?[1]?.string, let cid = payload[1]?[2]?.string
        else { return .rejected(Status.invalidArgument) }
        let turn = WebMedia.Turn(account: caller.account, cid: cid, rid: rid, rcid: rcid)
        guard state[caller.account].settings.hasFullSize, let image = state.image(imageID, in: turn) else {
            return .rejected(Status.notFound)
        }
        return .result([.string("\(origin)/gg-dl/\(image.id)")])
    }
}
