// What a fuzzer's bytes must never do to the JSON parser and writer.

/// One run. A trap here, or memory misuse seen by the address sanitizer, is a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let text = UnsafeRawBufferPointer(start: start, count: count)
    let upstream = parse(text, .upstream)
    if let upstream {
        let written = upstream.bytes()
        let again = written.withUnsafeBytes { parse($0, .upstream) }
        precondition(again == upstream, "what was written is read as something else")
        precondition(again?.bytes() == written, "writing twice gives two texts")
    }
    if let client = parse(text, .client) {
        precondition(client == upstream, "what a client may send is read otherwise from an upstream")
    }
    return 0
}

private func parse(_ text: UnsafeRawBufferPointer, _ options: JSONParseOptions) -> JSON? {
    do throws(JSONError) {
        return try JSON.parse(text, options)
    } catch {
        precondition((0...text.count).contains(error.offset) && error.line > 0 && error.column > 0)
        precondition(!error.description.isEmpty && error.path.utf8.count < 220)
        return nil
    }
}
