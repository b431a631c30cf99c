// Feeds the gate for calls any text in pieces of any size: `Fuzz/run.sh Calls 60`. A test replays the corpus.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzCalls(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: start, count: count)
    let scalars = Array(String(decoding: input, as: UTF8.self).unicodeScalars)
    // The first character chooses the size of the pieces, so that the fuzzer can vary it.
    let pieceSize = Int((scalars.first?.value ?? 0) % 64) + 1
    let reply = String(String.UnicodeScalarView(scalars))
    let parser = CallParser(names: ["f", "g"], isParallel: true)
    let whole = parser.parse(Array(reply.utf8))
    var gate = CallGate(parser)
    var text = ""
    for start in stride(from: 0, to: scalars.count, by: pieceSize) {
        text += gate.push(String(String.UnicodeScalarView(scalars[start..<min(start + pieceSize, scalars.count)])))
    }
    let (rest, calls) = gate.finish()
    text += rest
    precondition(text == whole.text && calls == whole.calls, "the calls depend on how the text was cut")
    precondition(!calls.isEmpty || text == reply, "text was lost though it holds no call")
    for call in calls {
        guard case .object? = try? JSON.parse(Array(call.arguments.utf8), .upstream) else {
            preconditionFailure("arguments that are no object")
        }
    }
    return 0
}
