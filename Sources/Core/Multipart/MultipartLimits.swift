/// What one multipart body may cost. Every bound holds while the body is read, not only at its end.
public struct MultipartLimits: Sendable, Equatable {
    public var maxParts: Int
    /// The header of one part, line ends included.
    public var maxHeaderBytes: Int
    /// The content of one part.
    public var maxPartBytes: Int
    /// The whole body: boundaries, headers, preamble and epilogue included.
    public var maxBytes: Int

    public init(
        maxParts: Int = 64, maxHeaderBytes: Int = 8 << 10, maxPartBytes: Int = 32 << 20, maxBytes: Int = 32 << 20
    ) {
        precondition(
            maxParts > 0 && maxHeaderBytes > 0 && maxPartBytes > 0 && maxBytes > 0,
            "a multipart body without room for a part is a settings fault")
        (self.maxParts, self.maxHeaderBytes) = (maxParts, maxHeaderBytes)
        (self.maxPartBytes, self.maxBytes) = (maxPartBytes, maxBytes)
    }
}
