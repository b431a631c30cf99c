/// Lets text through as it comes and holds back what may be a call: of a line that may open a block its beginning, of
/// white space what stands before it, and from an opener on everything, until the text is complete.
///
/// The result does not depend on how the text was cut into pieces.
struct CallGate: Sendable {
    /// More is no call that anybody meant.
    static let maxBlockBytes = 8 << 20
    /// White space before a call is taken off its text, up to this many bytes.
    private static let maxHeldSpace = 4096

    private let parser: CallParser
    /// The opener that the present line may be, while it may.
    private var opener: FenceOpener? = FenceOpener()
    private var heldSpace: [UInt8] = []
    private var heldLine: [UInt8] = []
    private var block: [UInt8]?

    init(_ parser: CallParser) { self.parser = parser }

    /// Whether an opener has come, so that nothing more will be let through.
    var isClosed: Bool { block != nil }
    /// Whether the block has outgrown `maxBlockBytes`.
    var isOverfull: Bool { (block?.count ?? 0) > Self.maxBlockBytes }

    /// - Returns: What is certain to be text.
    mutating func push(_ text: String) -> String {
        if block != nil {
            block?.append(contentsOf: text.utf8)
            return ""
        }
        var clean: [UInt8] = []
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            take(byte, into: &clean)
            if block != nil {
                while let rest = iterator.next() { block?.append(rest) }
            }
        }
        // What is held is ASCII, so both halves are whole characters.
        return String(decoding: clean, as: UTF8.self)
    }

    /// What was held back, once the text is complete. The gate is as new after that.
    mutating func finish() -> (text: String, calls: [ParsedCall]) {
        defer { self = CallGate(parser) }
        guard let block else { return (String(decoding: heldSpace + heldLine, as: UTF8.self), []) }
        return parser.parse(block)
    }

    private mutating func take(_ byte: UInt8, into clean: inout [UInt8]) {
        guard opener != nil else { return pass(byte, into: &clean) }
        switch opener?.push(byte) {
        case .maybe: heldLine.append(byte)
        case .yes:
            block = heldSpace + heldLine + [byte]
            (heldSpace, heldLine) = ([], [])
        case .no, nil:
            opener = nil
            let line = heldLine
            heldLine = []
            for held in line { pass(held, into: &clean) }
            pass(byte, into: &clean)
        }
    }

    private mutating func pass(_ byte: UInt8, into clean: inout [UInt8]) {
        if CallParser.isSpace(byte) {
            heldSpace.append(byte)
            if heldSpace.count > Self.maxHeldSpace { release(into: &clean) }
        } else {
            release(into: &clean)
            clean.append(byte)
        }
        if byte == 0x0A { opener = FenceOpener() }
    }

    private mutating func release(into clean: inout [UInt8]) {
        clean += heldSpace
        heldSpace.removeAll(keepingCapacity: true)
    }
}
