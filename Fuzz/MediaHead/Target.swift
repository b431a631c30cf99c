// Gives any bytes to the sniffer and, as each type of picture, to the reader of sizes: `Fuzz/run.sh MediaHead 60`.
// A test replays the corpus.

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzMediaHead(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    if case .type(let type) = MediaSniffer.look(at: input) {
        precondition(MediaTypes.canonical(type) == type, "\(type) is not in the table")
        precondition(MediaTypes.fileExtension(of: type) != nil, "\(type) has no extension")
    }
    for type in ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/heic"] {
        guard let size = PixelSize.read(input, type), size.isAllowed else { continue }
        precondition(size.width * size.height <= PixelSize.maxPixels)
    }
    return 0
}
