// Reads a multipart body whole and in pieces, and stops when the two disagree. The input's first byte seeds the cuts.

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = [UInt8](UnsafeBufferPointer(start: start, count: count))
    guard let seed = input.first else { return 0 }
    let body = Array(input.dropFirst())
    let whole = outcome(of: [body])
    precondition(whole == outcome(of: pieces(of: body, seed: seed)), "the cuts changed the parts")
    precondition(whole.parts.allSatisfy { $0.head.name != nil }, "a form's part without a name")
    precondition(whole.parts.count <= limits.maxParts)
    precondition(whole.parts.allSatisfy { $0.bytes.count <= limits.maxPartBytes })
    return 0
}

private let limits = MultipartLimits(maxParts: 4, maxHeaderBytes: 128, maxPartBytes: 64, maxBytes: 512)

private struct Outcome: Equatable {
    var parts: [MultipartPart] = []
    var error: GatewayError?
}

private func outcome(of pieces: [[UInt8]]) -> Outcome {
    var outcome = Outcome()
    do throws(GatewayError) {
        var reader = try MultipartReader(contentType: "multipart/form-data; boundary=b0", limits: limits)
        var head: MultipartPartHead?
        var bytes: [UInt8] = []
        for piece in pieces {
            reader.push(piece)
            while let event = try reader.next() {
                switch event {
                case .partStarted(let started): (head, bytes) = (started, [])
                case .bytes(let more): bytes += more
                case .partEnded: if let head { outcome.parts.append(MultipartPart(head: head, bytes: bytes)) }
                }
            }
        }
        try reader.finish()
    } catch {
        outcome.error = error
    }
    return outcome
}
