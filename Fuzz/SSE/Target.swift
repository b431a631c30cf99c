// Reads an event stream whole and in pieces, and stops when the two disagree. The input's first byte seeds the cuts.

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let seed = input.first else { return 0 }
    let stream = Array(input.dropFirst())
    let whole = outcome(of: [stream])
    precondition(whole == outcome(of: pieces(of: stream, seed: seed)), "the cuts changed the events")
    return 0
}

private struct Outcome: Equatable {
    var events: [SSEEvent] = []
    var kind: GatewayError.Kind?
    var isInsideEvent = false
}

private func outcome(of pieces: [[UInt8]]) -> Outcome {
    var parser = SSEParser(maxEventBytes: 512)
    var outcome = Outcome()
    do throws(GatewayError) {
        for piece in pieces {
            parser.push(piece)
            while let event = try parser.next() { outcome.events.append(event) }
        }
        outcome.isInsideEvent = parser.isInsideEvent
    } catch {
        outcome.kind = error.kind
    }
    return outcome
}
