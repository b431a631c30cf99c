internal import PolluxCore

/// The events of one answer, read from the upstream's body as they are pulled. Files that the model made are fetched
/// when the answer is complete, before its end is told.
///
/// Source: Gemini Business protocol notes, sections 6 and 6.1.
struct BusinessAnswer: EventSource {
    private var body: (any UpstreamBody)?
    private var splitter = JSONArraySplitter()
    private var decoder: BusinessAnswerDecoder
    /// Events to be handed out, last one first, and what is thrown after them.
    private var pending: [ModelEvent] = []
    private var failure: GatewayError?
    private let fetch: FileFetch

    /// Gets files that the answer names out of a session; the name is empty when the answer gave none.
    typealias FileFetch =
        @Sendable (_ files: [BusinessFileReference], _ session: String) async throws(GatewayError) -> [Media]

    init(_ body: any UpstreamBody, decoder: BusinessAnswerDecoder, fetch: @escaping FileFetch) {
        (self.body, self.decoder, self.fetch) = (body, decoder, fetch)
    }

    /// Files take their time: what came before them is to go out first.
    var isReady: Bool {
        !pending.isEmpty || failure != nil || (!decoder.awaitsFiles && body?.isReady ?? true)
    }

    /// Waits for the first sign of an answer, so that an error in its place counts as one of the call.
    ///
    /// - Parameter model: The name the answer is given under.
    mutating func begin(model: String) async throws(GatewayError) {
        while pending.isEmpty, failure == nil, !decoder.awaitsFiles { try await read() }
        if pending.isEmpty, let failure { throw failure }
        pending.append(.started(responseID: "", model: model))
    }

    mutating func next() async throws(GatewayError) -> ModelEvent? {
        while true {
            if let event = pending.popLast() { return event }
            if let failure { throw failure }
            if decoder.awaitsFiles {
                try await fetchFiles()
                continue
            }
            guard body != nil else { return nil }
            try await read()
        }
    }

    private mutating func fetchFiles() async throws(GatewayError) {
        var events: [ModelEvent] = []
        do throws(GatewayError) {
            decoder.deliver(fetched: try await fetch(decoder.files, decoder.session), into: &events)
        } catch {
            decoder.giveUpFiles()
            failure = error
        }
        pending = events.reversed()
    }

    /// Takes one piece of the body and decodes every element that it completes, so that what arrived together leaves
    /// together.
    private mutating func read() async throws(GatewayError) {
        let piece: [UInt8]?
        do {
            piece = try await body?.next()
        } catch  where error.kind == .upstreamTruncated {
            piece = nil
        } catch {
            body = nil
            throw error
        }
        var events: [ModelEvent] = []
        do {
            if let piece { try take(piece, into: &events) } else { try end(into: &events) }
        } catch {
            failure = error
        }
        if failure != nil { body = nil }
        if decoder.isComplete {
            await body?.release()
            body = nil
        }
        pending = events.reversed()
    }

    private mutating func take(_ piece: [UInt8], into events: inout [ModelEvent]) throws(GatewayError) {
        splitter.append(piece)
        while !decoder.isComplete, let element = try nextElement() {
            let known = events.count
            try decoder.decode(element, into: &events)
            if events.count == known { events.append(.heartbeat) }
        }
        // What follows the array is of no interest, and a body that goes on for ever must not be waited for.
        if splitter.isComplete, !decoder.isComplete { try end(into: &events) }
    }

    private mutating func nextElement() throws(GatewayError) -> JSON? {
        let bytes: [UInt8]?
        do {
            bytes = try splitter.next()
        } catch {
            throw Self.error(for: error)
        }
        guard let bytes else { return nil }
        do {
            return try JSON.parse(bytes, .upstream)
        } catch {
            throw Self.malformed("\(error)")
        }
    }

    /// The body ended without the last state of an answer. What came is delivered, and then the break is told: an
    /// answer that looks whole but is not would be worse than an error.
    private mutating func end(into events: inout [ModelEvent]) throws(GatewayError) {
        guard splitter.hasStarted else { throw Self.malformed("no array") }
        decoder.flush(into: &events)
        throw GatewayError(
            .upstreamTruncated, .endpoint, "the upstream's answer broke off; send the request again",
            detail: "answer step: no final state, array \(splitter.isComplete ? "complete" : "incomplete")")
    }

    private static func error(for fault: JSONArraySplitter.Fault) -> GatewayError {
        switch fault {
        case .unexpectedByte(let byte): malformed("byte \(byte) between the elements")
        case .elementTooLarge(let limit):
            GatewayError(
                .upstreamTooLarge, .endpoint, "a part of the upstream's answer is larger than \(limit) bytes")
        }
    }

    private static func malformed(_ detail: String) -> GatewayError {
        BusinessErrors.badResponse("the upstream's answer cannot be read", detail: "answer step: \(detail)")
    }
}
