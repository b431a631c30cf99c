#if canImport(PolluxCore)
    internal import PolluxCore
#endif

/// JSON as models write it and web apps display it: found inside other text, and read although it was escaped on the
/// way.
enum LenientJSON {
    /// Where the object or array that begins at `start` ends, exclusive; `nil` when it does not. Brackets inside
    /// strings do not count, so a string may hold a code fence.
    static func end(of bytes: [UInt8], from start: Int) -> Int? {
        var depth = 0
        var isInString = false
        var position = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\\") where isInString: position += 1
            case UInt8(ascii: "\""): isInString.toggle()
            case UInt8(ascii: "{") where !isInString, UInt8(ascii: "[") where !isInString: depth += 1
            case UInt8(ascii: "}") where !isInString, UInt8(ascii: "]") where !isInString:
                depth -= 1
                if depth <= 0 { return position + 1 }
            default: break
            }
            position += 1
        }
        return nil
    }

    /// The value, read as it stands if that is JSON. Else what a web app may have done to it is undone: backslashes
    /// before punctuation, HTML entities, both.
    static func parse(_ bytes: ArraySlice<UInt8>) -> JSON? {
        if let value = try? JSON.parse(bytes, .upstream) { return value }
        let plain = withoutStrayBackslashes(bytes)
        if let value = try? JSON.parse(plain, .upstream) { return value }
        guard bytes.contains(UInt8(ascii: "&")) else { return nil }
        let unescaped = HTMLText.unescaped(bytes)
        if let value = try? JSON.parse(unescaped, .upstream) { return value }
        return try? JSON.parse(withoutStrayBackslashes(unescaped[...]), .upstream)
    }

    /// Of the backslashes that JSON does not know as escapes, those before punctuation are dropped (Markdown put them
    /// there), the others doubled (the model meant one: a pattern such as `\d`).
    private static func withoutStrayBackslashes(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var clean: [UInt8] = []
        clean.reserveCapacity(bytes.count)
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            guard byte == UInt8(ascii: "\\"), position < bytes.endIndex else {
                clean.append(byte)
                continue
            }
            let next = bytes[position]
            position += 1
            switch next {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
                UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"), UInt8(ascii: "u"):
                clean += [byte, next]
            case 0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E: clean.append(next)
            default: clean += [byte, byte, next]
            }
        }
        return clean
    }
}
