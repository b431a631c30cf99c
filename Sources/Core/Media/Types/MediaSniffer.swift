/// Tells what a file is by its own bytes, whatever it is called.
public enum MediaSniffer {
    /// What bytes say about themselves.
    public enum Finding: Sendable, Equatable {
        /// They are this, in the spelling of `MediaTypes`.
        case type(String)
        /// Text, of whatever sort: a program, a table, prose.
        case text
        /// They say nothing.
        case unknown
    }

    /// Looks at the head of a file; a whole file is fine as well.
    public static func look(at bytes: [UInt8]) -> Finding {
        let head = MediaBytes(bytes)
        if let type = byMagic(head) ?? ContainerSniffer.type(head) ?? SoundSniffer.type(head) { return .type(type) }
        return TextSniffer.look(at: head)
    }

    /// Bytes that stand at one place and mean one type.
    private static func byMagic(_ head: MediaBytes) -> String? {
        for (start, magic, type) in magics where head.has(magic, at: start) { return type }
        if head.has("BM"), let size = head.littleEndian(4, at: 14), [12, 40, 52, 56, 64, 108, 124].contains(size) {
            return "image/bmp"
        }
        // An icon file with at least one picture, whose entry ends in an offset behind the entries.
        if head.has([0, 0, 1, 0]), let count = head.littleEndian(2, at: 4), count > 0, count < 256,
            let offset = head.littleEndian(4, at: 18), offset >= 6 + 16 * count
        {
            return "image/x-icon"
        }
        return nil
    }

    private static let magics: [(Int, [UInt8], String)] = [
        (0, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], "image/png"),
        (0, [0xFF, 0xD8, 0xFF], "image/jpeg"),
        (0, Array("GIF87a".utf8), "image/gif"),
        (0, Array("GIF89a".utf8), "image/gif"),
        (0, [0x49, 0x49, 0x2A, 0x00], "image/tiff"),
        (0, [0x4D, 0x4D, 0x00, 0x2A], "image/tiff"),
        (0, Array("%PDF-".utf8), "application/pdf"),
        (0, [0xEF, 0xBB, 0xBF] + Array("%PDF-".utf8), "application/pdf"),
        (0, Array("{\\rtf".utf8), "application/rtf"),
        (0, Array("Rar!".utf8) + [0x1A, 0x07], "application/x-rar-compressed"),
        (0, [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C], "application/x-7z-compressed"),
        (0, [0x1F, 0x8B, 0x08], "application/gzip"),
        (257, Array("ustar".utf8), "application/x-tar"),
        (0, Array("FLV".utf8) + [0x01], "video/x-flv"),
        (0, [0x00, 0x00, 0x01, 0xBA], "video/mpeg"),
        (0, [0x00, 0x00, 0x01, 0xB3], "video/mpeg"),
        (0, Array("PAR1".utf8), "application/x-parquet"),
        (0, Array("Obj".utf8) + [0x01], "application/avro"),
        (60, Array("BOOKMOBI".utf8), "application/x-mobipocket-ebook"),
    ]
}

/// Text, and what markup tells of itself.
enum TextSniffer {
    /// How far one looks for bytes that no text has.
    private static let reach = 4096
    /// How far behind an XML declaration the first element is looked for.
    private static let markupReach = 1024

    static func look(at head: MediaBytes) -> MediaSniffer.Finding {
        guard head.count > 0 else { return .unknown }
        if head.has([0xFF, 0xFE]) || head.has([0xFE, 0xFF]) { return .text }
        let isText = head.part(0, reach).allSatisfy { byte in
            switch byte {
            // The binary data bytes of the WHATWG's standard for sniffing.
            case 0x00...0x08, 0x0B, 0x0E...0x1A, 0x1C...0x1F: false
            default: true
            }
        }
        guard isText else { return .unknown }
        return markup(head).map { .type($0) } ?? .text
    }

    /// A page or a drawing is known by how it begins; a fragment (`<script>`, `<div>`) may as well be of a program.
    private static func markup(_ head: MediaBytes) -> String? {
        var start = head.has([0xEF, 0xBB, 0xBF]) ? 3 : 0
        while let byte = head[start], byte <= 0x20, start < reach { start += 1 }
        let text = head.part(start, markupReach).lowercased
        if isTag(text, "<!doctype html") || isTag(text, "<html") { return "text/html" }
        if isTag(text, "<svg") || isTag(text, "<!doctype svg") { return "image/svg+xml" }
        let isXML = text.has("<?xml")
        guard isXML || text.has("<!--") else { return nil }
        if text.find("<html") != nil || text.find("<!doctype html") != nil { return "text/html" }
        if text.find("<svg") != nil { return "image/svg+xml" }
        return isXML ? "text/xml" : nil
    }

    /// The word must end there: `<htmlx>` is something else.
    private static func isTag(_ text: MediaBytes, _ tag: String) -> Bool {
        guard text.has(tag) else { return false }
        guard let next = text[tag.utf8.count] else { return true }
        return next <= 0x20 || next == UInt8(ascii: ">") || next == UInt8(ascii: "/")
    }
}
