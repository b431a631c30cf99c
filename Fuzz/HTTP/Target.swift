/// The fuzzer's entry: any bytes, taken as a request head and as a chunked body.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let violation = HTTPFuzzProperty.violation(bytes) { preconditionFailure(violation) }
    return 0
}
