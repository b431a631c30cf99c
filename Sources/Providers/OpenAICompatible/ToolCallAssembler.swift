import PolluxCore

/// Brings the pieces of one choice's calls together. Servers disagree about them: an id may come late, never, or with
/// every piece; all calls may stand under one index, or under none.
///
/// A call is held back until its id and name are known, or until something else shows that no id will come.
struct ToolCallAssembler {
    private let signatures: ClientSignatures
    private let random: any RandomSource
    private var calls: [Call] = []
    private var startedCount = 0

    private struct Call {
        let upstreamIndex: Int?
        var id = ""
        var name = ""
        /// Not passed on yet.
        var heldArguments = ""
        var heldSignature: [UInt8]?
        /// The call's place in our events, once it has begun.
        var number: Int?
    }

    init(signatures: ClientSignatures, random: any RandomSource) {
        (self.signatures, self.random) = (signatures, random)
    }

    /// - Parameters:
    ///   - entry: `{index?, id?, function: {name?, arguments?}, extra_content?}`.
    ///   - position: Stands for the index in a whole answer, which has none.
    mutating func take(
        _ entry: JSON, position: Int?, into events: inout [ModelEvent]
    ) throws(ChatChoiceDecoder.Fault) {
        guard case .object(let members) = entry else {
            throw ChatChoiceDecoder.Fault(problem: "a tool call is \(entry.kindName)")
        }
        let index = members["index"]?.int ?? position
        let id = members["id"]?.string ?? ""
        let name = members["function"]?["name"]?.string ?? ""
        var place = place(index: index, id: id, name: name)
        if place == nil {
            try close(into: &events)
            calls.append(Call(upstreamIndex: index))
            place = calls.count - 1
        }
        guard let place else { return }
        if calls[place].id.isEmpty { calls[place].id = id }
        if calls[place].name.isEmpty { calls[place].name = name }
        switch members["function"]?["arguments"] {
        case .string(let text)?: calls[place].heldArguments += text
        case let object?: calls[place].heldArguments += object.isNull ? "" : object.text
        case nil: break
        }
        calls[place].heldSignature = members["extra_content"]?["google"]?["thought_signature"]?.signatureBytes
        if !calls[place].id.isEmpty, !calls[place].name.isEmpty { passOn(place, into: &events) }
    }

    /// No piece will come any more that a held call could wait for.
    mutating func close(into events: inout [ModelEvent]) throws(ChatChoiceDecoder.Fault) {
        for place in calls.indices where calls[place].number == nil {
            guard !calls[place].name.isEmpty else {
                throw ChatChoiceDecoder.Fault(problem: "a tool call has no name")
            }
            if calls[place].id.isEmpty { calls[place].id = "call_\(random.alphanumeric(24))" }
            passOn(place, into: &events)
        }
    }

    /// The call that a piece belongs to; `nil` when it begins one.
    private func place(index: Int?, id: String, name: String) -> Int? {
        if let index {
            guard let known = calls.lastIndex(where: { $0.upstreamIndex == index }) else { return nil }
            let isAnother = !id.isEmpty && !name.isEmpty && !calls[known].id.isEmpty && calls[known].id != id
            return isAnother ? nil : known
        }
        if !id.isEmpty { return calls.lastIndex { $0.id == id } }
        return name.isEmpty ? calls.indices.last : nil
    }

    private mutating func passOn(_ place: Int, into events: inout [ModelEvent]) {
        let call = calls[place]
        let number = call.number ?? startedCount
        if call.number == nil {
            startedCount += 1
            calls[place].number = number
            events.append(.toolCallStarted(index: number, id: call.id, name: call.name))
        }
        if let signature = call.heldSignature {
            signatures.remember(signature, ofCall: call.id)
            calls[place].heldSignature = nil
            events.append(.signature(signature))
        }
        if !call.heldArguments.isEmpty {
            calls[place].heldArguments = ""
            events.append(.toolCallArgumentsDelta(index: number, call.heldArguments))
        }
    }
}
