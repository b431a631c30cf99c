import PolluxCore

/// Every RPC but the turns: checked as a whole, answered one by one (protocol notes, section 10).
extension GeminiWebSimulator {
    func batchReply(to visit: WebVisit) throws(WebRefusal) -> WebReply {
        let form = try WebForm(visit)
        let calls = Self.calls(form.request)
        visit.log([("rpcids", .array((calls ?? []).map { .string($0.id) }))])
        try form.checkToken(visit)
        try visit.checkHeaders()
        guard let calls, !calls.isEmpty else { throw visit.requestError("f.req is no list of calls") }
        guard visit.request.queryValue("rpcids") == calls.map(\.id).joined(separator: ",") else {
            throw visit.requestError("the query's rpcids are not those of the body")
        }
        let desk = WebDesk(caller: visit.caller, now: visit.wallNow, origin: visit.request.origin)
        let parts = withState { state in calls.map { desk.part(for: $0, &state) } + WebPart.bookkeeping(&state.random) }
        return .framed([parts], verdict: "ok")
    }

    private static let mostCalls = 100

    /// Reads `[[["<rpcid>","<payload>",null,"<identifier>"],…]]`; nil when it is something else.
    private static func calls(_ request: JSON) -> [WebRPC]? {
        guard let list = request[0]?.array, list.count <= mostCalls else { return nil }
        var calls: [WebRPC] = []
        for item in list {
            guard let id = item[0]?.string, let payload = item[1]?.string else { return nil }
            calls.append(WebRPC(id: id, payload: payload, identifier: item[3]?.string ?? "generic"))
        }
        return calls
    }
}

/// Answers the calls of one batch.
struct WebDesk: Sendable {
    let caller: WebCaller
    let now: WallTime
    /// Where pictures are fetched: the host that the client asked.
    let origin: String

    enum Outcome {
        case result(JSON)
        /// A canonical status number.
        case rejected(Int)
    }

    /// What a guest is refused with "permission denied".
    private static let forAccounts: Set<String> = [
        "MaZiqc", "hNvQHb", "GzXR5e", "qWymEb", "CNgdBe", "oMH3Zd", "kHv0Vd", "UXcSJb", "c8o8Fe", "jSf9Qc", "qpEbW",
    ]

    /// RPCs whose answer says nothing that a client of chats needs.
    private static let empty: Set<String> = [
        "ESY5D", "qWymEb", "GPRiHf", "PCck7e", "kwDCne", "XPSWpd", "MUAZcd", "kOWVAe", "ukz1Fe", "HcT8bb", "Nwkn9",
        "Jba3ib", "ku4Jyf", "oApPWc", "Te6DCf", "jGArJ", "PGX16d", "ZKcapf", "xVRQX", "gSnMcd", "Ok9j9b", "YgU2Cc",
        "L5adhe", "ra9Swb",
    ]

    func part(for rpc: WebRPC, _ state: inout WebState) -> JSON {
        switch outcome(of: rpc, &state) {
        case .result(let json): WebPart.result(of: rpc, json)
        case .rejected(let status): WebPart.rejection(of: rpc, status: status)
        }
    }

    private func outcome(of rpc: WebRPC, _ state: inout WebState) -> Outcome {
        if !caller.isSignedIn, Self.forAccounts.contains(rpc.id) { return .rejected(Status.permissionDenied) }
        if Self.empty.contains(rpc.id) { return .result([]) }
        switch rpc.id {
        case "otAQ7b": return .result(accountStatus(&state))
        case "MaZiqc": return conversations(rpc.json, &state)
        case "hNvQHb": return turns(rpc.json, &state)
        case "GzXR5e": return delete(rpc.json, &state)
        case "CNgdBe": return gems(rpc.payload, &state)
        case "oMH3Zd": return createGem(rpc.json, &state)
        case "kHv0Vd": return updateGem(rpc.json, &state)
        case "UXcSJb": return deleteGem(rpc.json, &state)
        case "c8o8Fe": return fullSize(rpc.json, &state)
        case "jSf9Qc": return .result(usage)
        case "qpEbW": return quota(rpc.json)
        case "aPya6c": return .result([false, 0, []])
        default: return .rejected(Status.unimplemented)
        }
    }

    /// The canonical status numbers used here.
    enum Status {
        static let invalidArgument = 3
        static let notFound = 5
        static let permissionDenied = 7
        static let resourceExhausted = 8
        static let unimplemented = 12
    }
}
