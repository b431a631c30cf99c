// Feeds the frame reader of the Gemini web app any bytes in pieces of any size: `Fuzz/run.sh WebFrames 60`. A test
// replays the corpus.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzWebFrames(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    // The first byte chooses the size of the pieces, so that the fuzzer can vary it.
    let pieceSize = Int(input.first ?? 0) + 1
    let text = Array(input.dropFirst())
    let whole = read(text, pieceSize: max(1, text.count))
    let cut = read(text, pieceSize: pieceSize)
    // Beyond the limit one reading may get further than another, since only whole pieces are looked at.
    guard !whole.isTooLarge, !cut.isTooLarge else { return 0 }
    precondition(whole == cut, "the frames depend on how the bytes were cut")
    return 0
}

private struct Outcome: Equatable {
    var frames: [[UInt8]] = []
    var malformedCount = 0
    var isTooLarge = false
}

private func read(_ text: [UInt8], pieceSize: Int) -> Outcome {
    var reader = WebFrameReader(maxFrameBytes: 1 << 12)
    var outcome = Outcome()
    do {
        for start in stride(from: 0, to: text.count, by: pieceSize) {
            reader.append(Array(text[start..<min(start + pieceSize, text.count)]))
            while let frame = try reader.next() { outcome.frames.append(frame.bytes()) }
        }
        while let frame = try reader.finish() { outcome.frames.append(frame.bytes()) }
    } catch {
        outcome.isTooLarge = true
    }
    outcome.malformedCount = reader.malformedCount
    return outcome
}
