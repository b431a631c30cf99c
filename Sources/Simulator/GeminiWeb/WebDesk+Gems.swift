import PolluxCore

/// Gems: system prompts under a name (protocol notes, section 10.2).
extension WebDesk {
    /// Payload `[3,['en'],0]`, in single quotes and so no JSON: 2 lists the account's own gems, 3 the system's, 4 those
    /// and hidden ones.
    func gems(_ payload: String, _ state: inout WebState) -> Outcome {
        guard payload.hasPrefix("["), let kind = payload.utf8.dropFirst().first else {
            return .rejected(Status.invalidArgument)
        }
        let gems: [WebGem]
        switch kind {
        case UInt8(ascii: "2"): gems = state[caller.account].gems
        case UInt8(ascii: "3"): gems = WebGem.system.dropLast(WebGem.hiddenCount)
        case UInt8(ascii: "4"): gems = WebGem.system
        default: return .rejected(Status.invalidArgument)
        }
        return .result([nil, nil, .array(gems.map(\.json))])
    }

    /// Payload `[[name, description, prompt, …]]`.
    func createGem(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard var gem = Self.gem(payload[0]) else { return .rejected(Status.invalidArgument) }
        guard state[caller.account].gems.count < Self.mostGems else { return .rejected(Status.resourceExhausted) }
        gem = WebGem(id: state.makeID("", digits: 12), name: gem.name, description: gem.description, prompt: gem.prompt)
        state[caller.account].gems.append(gem)
        return .result([.string(gem.id)])
    }

    /// Payload `[id, [name, description, prompt, …]]`.
    func updateGem(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard let id = payload[0]?.string, let change = Self.gem(payload[1]) else {
            return .rejected(Status.invalidArgument)
        }
        guard let index = state[caller.account].gems.firstIndex(where: { $0.id == id }) else {
            return .rejected(Status.notFound)
        }
        state[caller.account].gems[index] = WebGem(
            id: id, name: change.name, description: change.description, prompt: change.prompt)
        return .result([])
    }

    /// Payload `[id]`.
    func deleteGem(_ payload: JSON, _ state: inout WebState) -> Outcome {
        guard let id = payload[0]?.string else { return .rejected(Status.invalidArgument) }
        state[caller.account].gems.removeAll { $0.id == id }
        return .result([])
    }

    private static let mostGems = 1000

    private static func gem(_ fields: JSON?) -> WebGem? {
        guard let name = fields?[0]?.string, let description = fields?[1]?.string else { return nil }
        return WebGem(id: "", name: name, description: description, prompt: fields?[2]?.string)
    }
}
