import Glibc
import PolluxCore

/// Recognises a chunk that differs from one before it in nothing but a piece of text.
///
/// Most chunks of a stream are alike up to that text. Bytes that are equal round one JSON string mean equal values
/// round it, so such a chunk needs no parser; any other falls back to it.
struct ChatChunkTemplate {
    enum Field { case content, reasoning }

    let field: Field
    private let start: [UInt8]
    private let end: [UInt8]

    /// - Parameters:
    ///   - chunk: A chunk that the parser understood.
    ///   - event: The one event it stands for.
    /// - Returns: `nil` when the text's place in the chunk is not certain.
    init?(learningFrom chunk: [UInt8], event: ModelEvent) {
        let text: String
        switch event {
        case .textDelta(let piece): (field, text) = (.content, piece)
        case .reasoningDelta(let piece): (field, text) = (.reasoning, piece)
        default: return nil
        }
        // A raw quote cannot stand inside a JSON string, so a match is a member; a second one would leave it open
        // which of them the text came from.
        let places = Self.stringStarts(of: field == .content ? Self.contentKeys : Self.reasoningKeys, in: chunk)
        guard places.count == 1, let place = places.first else { return nil }
        let textEnd = Self.stringEnd(in: chunk, from: place)
        guard textEnd < chunk.count, Self.string(in: chunk, from: place, to: textEnd) == text else { return nil }
        start = Array(chunk[..<place])
        end = Array(chunk[textEnd...])
    }

    /// The text of a chunk that is otherwise alike; `nil` for any other chunk, and when the text is empty.
    func text(of chunk: [UInt8]) -> String? {
        let textEnd = chunk.count - end.count
        guard textEnd > start.count, isAlike(chunk, textEnd: textEnd) else { return nil }
        return Self.string(in: chunk, from: start.count, to: textEnd)
    }

    private func isAlike(_ chunk: [UInt8], textEnd: Int) -> Bool {
        chunk.withUnsafeBytes { chunk in
            Self.areEqual(chunk[..<start.count], start) && Self.areEqual(chunk[textEnd...], end)
        }
    }

    private static func areEqual(_ slice: Slice<UnsafeRawBufferPointer>, _ bytes: [UInt8]) -> Bool {
        let slice = UnsafeRawBufferPointer(rebasing: slice)
        return bytes.withUnsafeBytes { bytes in
            guard let left = slice.baseAddress, let right = bytes.baseAddress, slice.count == bytes.count else {
                return slice.isEmpty && bytes.isEmpty
            }
            return memcmp(left, right, bytes.count) == 0
        }
    }

    /// The value of a JSON string by the bytes between its quotes; `nil` when they are no single string.
    private static func string(in chunk: [UInt8], from start: Int, to end: Int) -> String? {
        let text = chunk[start..<end]
        if text.allSatisfy({ $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") && $0 >= 0x20 }) {
            return String(decoding: text, as: UTF8.self)
        }
        return (try? JSON.parse(chunk[(start - 1)...end], .upstream))?.string
    }

    /// The place of the quote that closes a string; `chunk.count` without one.
    private static func stringEnd(in chunk: [UInt8], from start: Int) -> Int {
        var position = start
        while position < chunk.count, chunk[position] != UInt8(ascii: "\"") {
            position += chunk[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        return min(position, chunk.count)
    }

    /// Members' keys up to the quote that opens their string, as servers write them.
    private static let contentKeys = [#""content":""#, #""content": ""#].map { Array($0.utf8) }
    private static let reasoningKeys = [
        #""reasoning_content":""#, #""reasoning_content": ""#, #""reasoning":""#, #""reasoning": ""#,
    ].map { Array($0.utf8) }

    /// Where the strings of these members begin.
    private static func stringStarts(of keys: [[UInt8]], in chunk: [UInt8]) -> [Int] {
        var starts: [Int] = []
        chunk.withUnsafeBytes { chunk in
            guard let base = chunk.baseAddress else { return }
            for position in chunk.indices where chunk[position] == UInt8(ascii: "\"") {
                for key in keys
                where key.count <= chunk.count - position && memcmp(base + position, key, key.count) == 0 {
                    starts.append(position + key.count)
                }
            }
        }
        return starts
    }
}
