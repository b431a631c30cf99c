import PolluxCore

/// What the account is and what it may still do (protocol notes, section 13).
extension WebDesk {
    func accountStatus(_ state: inout WebState) -> JSON {
        let settings = state[caller.account].settings
        let status = caller.isSignedIn ? settings.status : 1016
        return .array(
            [JSON](repeating: .null, count: 14) + [
                number(status), .array(settings.models.map(\.row)), .array(settings.tierFlags.map(number)),
                .array(settings.capabilityFlags.map(number)),
            ])
    }

    /// Two windows, one of five hours and one of a week, and some credits.
    var usage: JSON {
        [
            2,
            [
                [80, 0.2, 1, [[number(end(ofWindow: 5 * 3600))]]],
                [900, 0.1, 2, [[number(end(ofWindow: 7 * 86_400))]]],
                [1000, nil, 3],
            ],
            false,
        ]
    }

    /// Payload `[[[a,action],…]]`; an item for each pair.
    func quota(_ payload: JSON) -> Outcome {
        guard let pairs = payload[0]?.array, pairs.count <= 100 else { return .rejected(Status.invalidArgument) }
        let reset = number(end(ofWindow: 5 * 3600))
        return .result([.array(pairs.map { [$0, nil, 20, [reset], 100, 80] })])
    }

    /// Unix seconds of the moment when a window that begins at a whole multiple of its length is over.
    private func end(ofWindow length: Int64) -> Int { Int((now.seconds / length + 1) * length) }

    func number(_ value: Int) -> JSON { .number(JSONNumber(value)) }
}
