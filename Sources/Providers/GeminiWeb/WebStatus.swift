import PolluxCore

/// What the upstream says about an account: whether it may be used, its models and its tier.
///
/// Source: Gemini web protocol notes, section 13.1.
struct WebStatus: Sendable, Equatable {
    var code: Int
    var models: [WebModel]
    /// Goes into the model selector: 1 free, 2 and 3 Pro, 4 Plus.
    var capacity: Int

    init(_ result: JSON) {
        code = result[14]?.int ?? 1000
        var names: Set<String> = []
        models = (result[15]?.array ?? []).prefix(100).compactMap { WebModel(row: $0) }.map { model in
            // Of two models in one category the first has its name.
            var model = model
            if !names.insert(model.name).inserted { model.name = model.versionedName ?? model.id }
            return model
        }
        let tier = result[16]?.array?.compactMap(\.int) ?? []
        let abilities = result[17]?.array?.compactMap(\.int) ?? []
        capacity = Self.capacity(tier: tier, abilities: abilities)
    }

    private static func capacity(tier: [Int], abilities: [Int]) -> Int {
        if abilities.contains(115) { return 4 }
        if tier.contains(16) || abilities.contains(106) { return 3 }
        return tier.contains(8) || abilities.contains(19) ? 2 : 1
    }

    var isSignedOut: Bool { code == 1016 }

    /// Why the account cannot be used; `nil` when it can.
    var problem: GatewayError? {
        switch code {
        // 1033 switches some features off, 1040 and 1042 ask for new terms: chatting goes on.
        case 1000, 1033, 1040, 1042: nil
        case 1016: WebErrors.signedOut("account status 1016")
        case 1014: Self.blocked("the upstream has restricted the account in use for a while", effect: .cool, code)
        case 1060: Self.blocked("the upstream does not serve the region of the account in use", effect: .restrict, code)
        case 1054, 1057:
            Self.blocked("the account in use needs a guardian's consent", effect: .needHuman, code)
        default: Self.blocked("the upstream has rejected the account in use", effect: .restrict, code)
        }
    }

    private static func blocked(
        _ message: String, effect: GatewayError.AccountEffect, _ code: Int
    ) -> GatewayError {
        var error = GatewayError(
            .upstreamAuth, .account, message + "; its operator must look at it in the web app",
            detail: "account status \(code)", accountEffect: effect)
        error.field = "account status=\(code)"
        return error
    }
}
