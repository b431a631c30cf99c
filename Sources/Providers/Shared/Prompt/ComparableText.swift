/// Text in a form in which what a model wrote and what a client sends back of it are equal.
///
/// On the way through a web app and a client, HTML entities, Markdown's backslashes, line ends and white space at the
/// ends change; blocks of calls become calls. All of that is undone here. Unicode is left as it is: the standard
/// library offers no normal forms, and a client that recomposes accents only loses the reuse of its chat, not its
/// content.
enum ComparableText {
    /// What clients write they send the same again, so little is forgiven: two different messages must not pass for
    /// one.
    static func ofClient(_ text: String) -> ArraySlice<UInt8> {
        trimmed(Array(MessageText.withPlainLineEnds(text).utf8))
    }

    static func ofModel(_ text: String) -> ArraySlice<UInt8> {
        let plain = MessageText.withPlainLineEnds(text)
        let unescaped = HTMLText.unescaped(Array(plain.utf8)[...])
        return trimmed(withoutBackslashes(withoutMediaLinks(withoutCalls(unescaped))))
    }

    /// Less every line that links to media of the gateway's own store: it put them there itself, behind the text.
    private static func withoutMediaLinks(_ bytes: [UInt8]) -> [UInt8] {
        guard mediaLink(in: bytes[...]) else { return bytes }
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) where !mediaLink(in: line) {
            kept += line
            kept.append(0x0A)
        }
        return kept
    }

    /// Whether `/media/NAME?exp=` is found, with a name as the store makes them.
    private static func mediaLink(in bytes: ArraySlice<UInt8>) -> Bool {
        let path = Array("/media/".utf8)
        var rest = bytes
        while let start = rest.firstRange(of: path)?.upperBound {
            rest = rest[start...]
            let name = rest.prefix { isNameByte($0) }
            if (18...70).contains(name.count), rest[name.endIndex...].starts(with: "?exp=".utf8) { return true }
        }
        return false
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "-_.".utf8.contains(byte)
        }
    }

    /// Less every block of calls, up to its closing fence or the end.
    private static func withoutCalls(_ bytes: [UInt8]) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(bytes.count)
        var fence: UInt8?
        var position = 0
        while position < bytes.count {
            let end = bytes[position...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
            let line = bytes[position..<end]
            position = end
            if let mark = fence {
                let body = line.drop(while: CallParser.isSpace)
                let marks = body.prefix { $0 == mark }.count
                if marks >= 3, body.dropFirst(marks).allSatisfy(CallParser.isSpace) { fence = nil }
            } else if isOpener(line) {
                fence = line.first { $0 == UInt8(ascii: "`") || $0 == UInt8(ascii: "~") }
            } else {
                kept += line
            }
        }
        return kept
    }

    private static func isOpener(_ line: ArraySlice<UInt8>) -> Bool {
        var opener = FenceOpener()
        for byte in line {
            switch opener.push(byte) {
            case .maybe: continue
            case .no: return false
            case .yes: return true
            }
        }
        return false
    }

    /// A backslash before punctuation goes; any other is content.
    private static func withoutBackslashes(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(UInt8(ascii: "\\")) else { return bytes }
        var plain: [UInt8] = []
        plain.reserveCapacity(bytes.count)
        var isEscape = false
        for byte in bytes {
            if isEscape {
                if !isPunctuation(byte) { plain.append(UInt8(ascii: "\\")) }
                plain.append(byte)
                isEscape = false
            } else if byte == UInt8(ascii: "\\") {
                isEscape = true
            } else {
                plain.append(byte)
            }
        }
        if isEscape { plain.append(UInt8(ascii: "\\")) }
        return plain
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: true
        default: false
        }
    }

    private static func trimmed(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
        var rest = bytes.drop(while: CallParser.isSpace)
        while let last = rest.last, CallParser.isSpace(last) { rest.removeLast() }
        return rest
    }
}
