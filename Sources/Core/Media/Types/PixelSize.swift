/// How large a picture is, by what its header says; nothing is decoded (reliability requirement S-7).
public struct PixelSize: Sendable, Equatable {
    public let width: Int
    public let height: Int

    public init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    public static let maxSide = 16_384
    public static let maxPixels = 100_000_000

    public var isAllowed: Bool {
        (1...Self.maxSide).contains(width) && (1...Self.maxSide).contains(height) && width * height <= Self.maxPixels
    }

    /// - Parameter mimeType: As the bytes say.
    /// - Returns: `nil` when the header does not say, or the type's header is not read.
    public static func read(_ bytes: [UInt8], _ mimeType: String) -> PixelSize? {
        let head = MediaBytes(bytes)
        return switch mimeType {
        case "image/png": png(head)
        case "image/gif": pair(head, 2, at: 6, 8, isBig: false)
        case "image/jpeg": jpeg(head)
        case "image/webp": webp(head)
        case "image/bmp": bmp(head)
        case "image/heic", "image/heif", "image/avif": heif(head)
        default: nil
        }
    }

    /// The types whose header always says.
    static func isAlwaysTold(by mimeType: String) -> Bool {
        ["image/png", "image/gif", "image/jpeg", "image/webp", "image/bmp"].contains(mimeType)
    }

    private static func pair(
        _ head: MediaBytes, _ length: Int, at width: Int, _ height: Int, isBig: Bool
    ) -> PixelSize? {
        guard let width = isBig ? head.bigEndian(length, at: width) : head.littleEndian(length, at: width),
            let height = isBig ? head.bigEndian(length, at: height) : head.littleEndian(length, at: height)
        else { return nil }
        return PixelSize(width: width, height: height)
    }

    private static func png(_ head: MediaBytes) -> PixelSize? {
        head.has("IHDR", at: 12) ? pair(head, 4, at: 16, 20, isBig: true) : nil
    }

    /// The first frame header, behind segments of any sort.
    private static func jpeg(_ head: MediaBytes) -> PixelSize? {
        var place = 2
        // A file may be nothing but markers; one that shows a picture has a few dozen before it.
        for _ in 0..<65_536 {
            guard let mark = head[place], mark == 0xFF, let kind = head[place + 1] else { return nil }
            switch kind {
            // Fill bytes, and markers without a length.
            case 0xFF: place += 1
            case 0x01, 0xD0...0xD7: place += 2
            case 0xC0...0xC3, 0xC5...0xC7, 0xC9...0xCB, 0xCD...0xCF:
                return pair(head, 2, at: place + 7, place + 5, isBig: true)
            default:
                guard let length = head.bigEndian(2, at: place + 2), length >= 2 else { return nil }
                place += 2 + length
            }
        }
        return nil
    }

    private static func webp(_ head: MediaBytes) -> PixelSize? {
        if head.has("VP8X", at: 12) {
            guard let size = pair(head, 3, at: 24, 27, isBig: false) else { return nil }
            return PixelSize(width: size.width + 1, height: size.height + 1)
        }
        if head.has("VP8L", at: 12), head[20] == 0x2F, let bits = head.littleEndian(4, at: 21) {
            return PixelSize(width: bits & 0x3FFF + 1, height: (bits >> 14) & 0x3FFF + 1)
        }
        guard head.has("VP8 ", at: 12), head.has([0x9D, 0x01, 0x2A], at: 23),
            let size = pair(head, 2, at: 26, 28, isBig: false)
        else { return nil }
        // The two upper bits are a scale.
        return PixelSize(width: size.width & 0x3FFF, height: size.height & 0x3FFF)
    }

    /// Sizes may be negative: a picture that begins at the top.
    private static func bmp(_ head: MediaBytes) -> PixelSize? {
        if head.littleEndian(4, at: 14) == 12 { return pair(head, 2, at: 18, 20, isBig: false) }
        guard let size = pair(head, 4, at: 18, 22, isBig: false) else { return nil }
        let height = size.height >= 1 << 31 ? (1 << 32) - size.height : size.height
        return PixelSize(width: size.width, height: height)
    }

    // MARK: - HEIF

    /// The largest of the pictures that the file's properties (`meta/iprp/ipco/ispe`) tell of.
    private static func heif(_ head: MediaBytes) -> PixelSize? {
        guard let meta = box("meta", in: head), let properties = box("iprp", in: meta.part(4, meta.count)),
            let list = box("ipco", in: properties)
        else { return nil }
        var largest: PixelSize?
        var largestArea = (0, UInt(0))
        forEachBox(in: list) { name, content in
            guard name.has("ispe"), let size = pair(content, 4, at: 4, 8, isBig: true) else { return true }
            // Each side has 32 bits: their product may not fit.
            let area = size.width.multipliedFullWidth(by: size.height)
            if (area.high, area.low) >= largestArea { (largest, largestArea) = (size, (area.high, area.low)) }
            return true
        }
        return largest
    }

    private static func box(_ wanted: String, in parent: MediaBytes) -> MediaBytes? {
        var found: MediaBytes?
        forEachBox(in: parent) { name, content in
            if name.has(wanted) { found = content }
            return found == nil
        }
        return found
    }

    /// - Parameter body: Returns false to stop.
    private static func forEachBox(in parent: MediaBytes, _ body: (MediaBytes, MediaBytes) -> Bool) {
        var place = 0
        for _ in 0..<1024 {
            guard let length = parent.bigEndian(4, at: place) else { return }
            // 0 means up to the end. Lengths of 64 bits are for films.
            let size = length == 0 ? parent.count - place : length
            guard size >= 8, body(parent.part(place + 4, 4), parent.part(place + 8, size - 8)) else { return }
            place += size
        }
    }
}
