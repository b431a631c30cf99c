import PolluxCore

/// What the app's page tells about its session: values in a script, found by their keys alone.
///
/// Source: Gemini web protocol notes, section 3.2.
struct WebPage: Sendable, Equatable {
    /// `SNlM0e`, against forged requests. Left out of some pages of signed-in accounts too.
    var token: Secret?
    /// `cfb2h`, the build's label.
    var build: String?
    /// `FdrFJe`, the page's session, a signed decimal.
    var session: String?
    /// `TuX5cc`.
    var language: String?
    /// `qKIAYe`, for uploads.
    var pushID: String?

    init(_ html: [UInt8]) {
        token = Self.value(of: "SNlM0e", in: html).map { Secret($0) }
        build = Self.value(of: "cfb2h", in: html)
        session = Self.value(of: "FdrFJe", in: html)
        language = Self.value(of: "TuX5cc", in: html)
        pushID = Self.value(of: "qKIAYe", in: html)
    }

    /// No value at all: a page of consent, of signing in, or for a region where the app is not offered.
    var isForeign: Bool {
        token == nil && build == nil && session == nil && language == nil && pushID == nil
    }

    /// What the browser would show as the page's name; for the log, bounded and on one line.
    static func title(of html: [UInt8]) -> String {
        guard let start = end(of: Array("<title".utf8), in: html, from: 0),
            let open = html[start...].prefix(200).firstIndex(of: UInt8(ascii: ">"))
        else { return "" }
        let text = html[(open + 1)...].prefix(200).prefix { $0 != UInt8(ascii: "<") }
        let scalars = String(decoding: text, as: UTF8.self).unicodeScalars.prefix(80).map { $0.value < 0x20 ? " " : $0 }
        return String(String.UnicodeScalarView(scalars))
    }

    private static let maxValueBytes = 4096

    /// `"key":` with blanks behind it, and the text in quotes up to the next quote.
    private static func value(of key: String, in html: [UInt8]) -> String? {
        let mark = Array("\"\(key)\":".utf8)
        var from = 0
        while let end = end(of: mark, in: html, from: from) {
            from = end
            let rest = html[end...].drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
            guard rest.first == UInt8(ascii: "\"") else { continue }
            let value = rest.dropFirst().prefix(maxValueBytes + 1).prefix { $0 >= 0x20 && $0 != UInt8(ascii: "\"") }
            guard !value.isEmpty, value.count <= maxValueBytes, html[value.endIndex...].first == UInt8(ascii: "\"")
            else { continue }
            return String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    /// The position behind the first occurrence.
    private static func end(of mark: [UInt8], in html: [UInt8], from start: Int) -> Int? {
        html.withUnsafeBufferPointer { html in
            guard let first = mark.first, html.count >= mark.count, start <= html.count - mark.count else { return nil }
            for index in start...(html.count - mark.count) where html[index] == first {
                if html[index..<(index + mark.count)].elementsEqual(mark) { return index + mark.count }
            }
            return nil
        }
    }
}
