// Feeds the array splitter any bytes in pieces of any size: `Fuzz/run.sh ArraySplitter 60`. A test replays the corpus.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzArraySplitter(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    // The first byte chooses the size of the pieces, so that the fuzzer can vary it.
    let pieceSize = Int(input.first ?? 0) + 1
    let text = Array(input.dropFirst())
    let whole = split(text, pieceSize: max(1, text.count))
    let cut = split(text, pieceSize: pieceSize)
    precondition(whole == cut, "the elements depend on how the bytes were cut")
    precondition(whole.elements.allSatisfy { $0.first == UInt8(ascii: "{") && $0.last == UInt8(ascii: "}") })
    return 0
}

private struct Outcome: Equatable {
    var elements: [[UInt8]] = []
    var isComplete = false
    var fault: JSONArraySplitter.Fault?
}

private func split(_ text: [UInt8], pieceSize: Int) -> Outcome {
    var splitter = JSONArraySplitter(maxElementBytes: 1 << 12)
    var outcome = Outcome()
    do {
        for start in stride(from: 0, to: text.count, by: pieceSize) {
            splitter.append(Array(text[start..<min(start + pieceSize, text.count)]))
            while let element = try splitter.next() { outcome.elements.append(element) }
        }
    } catch {
        outcome.fault = error
    }
    outcome.isComplete = splitter.isComplete
    return outcome
}
