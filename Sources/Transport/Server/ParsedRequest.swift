/// A request's head as positions in the bytes it was read from; nothing is copied until the whole head is known to be
/// sound.
struct ParsedRequest: Equatable {
    struct Field: Equatable {
        var name: Range<Int>
        /// Without white space round it.
        var value: Range<Int>
    }

    /// How the body's end is known (RFC 9112 section 6.3).
    enum Framing: Equatable {
        case none
        case length(Int)
        case chunked
    }

    var method = 0..<0
    /// The origin form: from the first `/` or `?` on, or `*`. Empty for an absolute form without a path.
    var target = 0..<0
    /// The target began as an absolute form; this authority replaces `Host` (RFC 9112 section 3.2.2).
    var authority: Range<Int>?
    var minorVersion = 1
    var fields: [Field] = []
    var framing = Framing.none
    var expectsContinue = false
    /// The client allows further requests on the connection.
    var keepsAlive = true
    /// The bytes of the head, from the first to the empty line's end.
    var headLength = 0
}
