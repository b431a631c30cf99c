import PolluxCore

/// The body of one request while it arrives.
struct RequestBody {
    /// What has arrived, decoded.
    private(set) var bytes: [UInt8] = []
    private(set) var isComplete: Bool
    /// As declared by Content-Length; `nil` for a chunked body.
    let declaredLength: Int?

    private var decoder = ChunkedDecoder()
    private let limit: Int

    init(_ framing: ParsedRequest.Framing, limit: Int) {
        self.limit = limit
        switch framing {
        case .none: (declaredLength, isComplete) = (0, true)
        case .length(let length): (declaredLength, isComplete) = (length, false)
        case .chunked: (declaredLength, isComplete) = (nil, false)
        }
    }

    /// Still to come, if it is known.
    var remaining: Int? { declaredLength.map { $0 - bytes.count } }

    var isDeclaredTooLarge: Bool { (declaredLength ?? 0) > limit }

    /// - Returns: How many bytes of `input` belong to the body.
    /// - Throws: `malformedHTTP`, or `requestTooLarge` as soon as the announced chunks pass the limit.
    mutating func take(_ input: Span<UInt8>) throws(GatewayError) -> Int {
        guard let declaredLength else { return try takeChunked(input) }
        let count = min(input.count, declaredLength - bytes.count)
        reserve(count, of: declaredLength)
        input.extracting(0..<count).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        isComplete = bytes.count == declaredLength
        return count
    }

    mutating func takeAll() -> [UInt8] {
        defer { bytes = [] }
        return bytes
    }

    private mutating func takeChunked(_ input: Span<UInt8>) throws(GatewayError) -> Int {
        let count: Int
        do throws(HTTPSyntaxError) {
            count = try decoder.decode(input, into: &bytes)
        } catch {
            throw GatewayError(error)
        }
        guard decoder.announced <= limit else { throw tooLarge }
        isComplete = decoder.isFinished
        return count
    }

    /// Doubles, but never beyond what was declared; memory follows what has come, not what was promised.
    private mutating func reserve(_ count: Int, of declaredLength: Int) {
        guard bytes.count + count > bytes.capacity else { return }
        bytes.reserveCapacity(min(declaredLength, max(2 * bytes.count, bytes.count + count)))
    }

    var tooLarge: GatewayError {
        GatewayError(.requestTooLarge, .request, "the request body is larger than \(limit) bytes")
    }
}
