import PolluxCore

/// One answer as frames: every frame holds the whole text so far (protocol notes, sections 7 and 8).
struct WebAnswer: Sendable {
    let turn: WebMedia.Turn
    let script: WebScript
    let media: WebMediaSet
    /// What a client sends back to go on.
    let context: String
    let title: String

    init(_ turn: WebMedia.Turn, _ script: WebScript, _ media: WebMediaSet, context: String, title: String) {
        (self.turn, self.script, self.media, self.context, self.title) = (turn, script, media, context, title)
    }

    /// The candidate of the completing frame.
    var finished: JSON {
        candidate(text: script.text + media.links, thoughts: script.thoughts, isFinished: true)
    }

    /// Names the chat, before there is any text.
    var opening: [JSON] { [WebPart.turn([nil, ids])] }

    var completion: [JSON] {
        [WebPart.turn(.array([.null, ids, .null, .null, [finished]] + nulls(20) + [.string(context)]))]
    }

    var titleFrame: [JSON] {
        [WebPart.turn([nil, ids, ["11": [.string(title)], "44": true]])]
    }

    /// Frames with more and more of the thoughts, the text still empty.
    var thoughtFrames: some Sequence<[JSON]> {
        GrowingText(script.thoughts).lazy.map { frame(text: "", thoughts: $0) }
    }

    /// Frames with more and more of the text, up to all of it.
    var textFrames: some Sequence<[JSON]> {
        GrowingText(script.text).lazy.enumerated().map { number, text in
            frame(text: script.hasFlicker ? Self.flickering(text, number) : text, thoughts: script.thoughts)
        }
    }

    var textFrameCount: Int { GrowingText(script.text).frameCount }
    var frameCount: Int { textFrameCount + GrowingText(script.thoughts).frameCount + 3 }

    private var ids: JSON { [.string(turn.cid), .string(turn.rid)] }

    private func frame(text: String, thoughts: String) -> [JSON] {
        let candidate = candidate(text: text, thoughts: thoughts, isFinished: false)
        return [WebPart.turn([nil, ids, nil, nil, [candidate]])]
    }

    private func candidate(text: String, thoughts: String, isFinished: Bool) -> JSON {
        let status: JSON = isFinished ? [2] : [1]
        var fields: [JSON] = [
            .string(turn.rcid), [.string(text)], nil, nil, nil, nil, true, nil, status, "en",
        ]
        if isFinished, let content = media.content { fields += nulls(2) + [content] }
        if !thoughts.isEmpty { fields += nulls(37 - fields.count) + [[[.string(thoughts)]]] }
        return .array(fields)
    }

    private func nulls(_ count: Int) -> [JSON] { [JSON](repeating: .null, count: count) }

    /// The text with an artefact behind it that the next frame takes back: the end of a code block that is still open,
    /// or an escape that the web app has not made up its mind about.
    private static func flickering(_ text: String, _ number: Int) -> String {
        let fences = text.utf8.split(separator: UInt8(ascii: "\n")).count { $0.starts(with: "```".utf8) }
        return text + (fences % 2 == 1 || number % 2 == 0 ? "\n```" : "\\*")
    }
}

/// A text that grows by five characters from frame to frame.
///
/// All frames together hold about n²/10 characters. For long texts the step is larger, so that they stay below
/// 16 million: the traffic is meant to grow, but not without end.
struct GrowingText: Sequence, IteratorProtocol {
    private let scalars: String.UnicodeScalarView
    private let step: Int
    private var position: String.UnicodeScalarView.Index
    let frameCount: Int

    private static let smallestStep = 5
    private static let mostCharacters = 16_000_000

    init(_ text: String) {
        scalars = text.unicodeScalars
        let count = scalars.count
        let needed = (Double(count) * Double(count) / Double(2 * Self.mostCharacters)).rounded(.up)
        step = Swift.max(Self.smallestStep, Int(needed))
        frameCount = (count + step - 1) / step
        position = scalars.startIndex
    }

    mutating func next() -> String? {
        guard position < scalars.endIndex else { return nil }
        position = scalars.index(position, offsetBy: step, limitedBy: scalars.endIndex) ?? scalars.endIndex
        return String(scalars[..<position])
    }
}
