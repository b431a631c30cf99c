/// Names for files that go to an upstream: nothing in them is more than a name.
public enum MediaFileName {
    /// In bytes, the extension included.
    static let maxBytes = 120

    /// - Parameters:
    ///   - wish: As a client or a URL named it; may be anything.
    ///   - mimeType: Of the bytes. A name whose extension does not fit gets one that does.
    public static func make(_ wish: String?, for mimeType: String) -> String {
        let name = plain(wish ?? "")
        let known = MediaTypes.extensions(of: mimeType)
        let dot = name.lastIndex(of: ".")
        let current = dot.map { name[name.index(after: $0)...].lowercased() } ?? ""
        if let dot, dot != name.startIndex, fits(current, known, mimeType) {
            return cut(String(name[..<dot]), toFit: current) + "." + current
        }
        guard let usual = known.first else { return cut(name.isEmpty ? "file" : name, toFit: "") }
        return cut(name.isEmpty ? "file" : name, toFit: usual) + "." + usual
    }

    private static func fits(_ current: String, _ known: [String], _ mimeType: String) -> Bool {
        if known.contains(current) { return true }
        // Code that goes as plain text keeps the name that tells what it is.
        guard MediaTypes.canonical(mimeType) == "text/plain", let type = MediaTypes.mimeType(ofExtension: current)
        else { return false }
        return MediaTypes.isText(type)
    }

    /// The last piece of a path; letters and digits of every script, `-`, `_` and `.`, no dot in front.
    private static func plain(_ wish: String) -> String {
        // A name is short; what is not is looked at no further than needed.
        let tail = wish.unicodeScalars.suffix(4 * maxBytes).split { $0 == "/" || $0 == "\\" }.last ?? []
        var name = String.UnicodeScalarView()
        for scalar in tail {
            let isLetter =
                scalar.isASCII ? Character(scalar).isLetter || Character(scalar).isNumber : isLetterOrMark(scalar)
            if isLetter || scalar == "-" || scalar == "_" || (scalar == "." && !name.isEmpty) {
                name.append(scalar)
            } else if name.last != "_", !name.isEmpty {
                name.append("_")
            }
        }
        while let last = name.last, last == "." || last == "_" { name.removeLast() }
        return String(name)
    }

    private static func isLetterOrMark(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .decimalNumber, .letterNumber:
            true
        default: false
        }
    }

    /// At the end of a character.
    private static func cut(_ stem: String, toFit suffix: String) -> String {
        var stem = stem
        while stem.utf8.count + suffix.utf8.count + 1 > maxBytes { stem.removeLast() }
        return stem
    }
}
