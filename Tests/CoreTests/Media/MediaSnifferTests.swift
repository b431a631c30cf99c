import PolluxCore
import PolluxTesting
import Testing

@Suite("Types of files by their bytes")
struct MediaSnifferTests {
    struct Row: Sendable {
        let type: String
        let bytes: [UInt8]
        init(_ type: String, _ bytes: [UInt8]) { (self.type, self.bytes) = (type, bytes) }
    }

    static let office = "application/vnd.openxmlformats-officedocument."
    static let pictures: [Row] = [
        Row("image/png", MediaSample.png()), Row("image/jpeg", MediaSample.jpeg()), Row("image/gif", MediaSample.gif()),
        Row("image/webp", MediaSample.webp()), Row("image/webp", MediaSample.webpL()),
        Row("image/webp", MediaSample.webpX()), Row("image/bmp", MediaSample.bmp()),
        Row("image/heic", MediaSample.heif("heic")),
        Row("image/heic", MediaSample.heif("mif1", also: ["miaf", "heic"])),
        Row("image/heif", MediaSample.heif("mif1", also: ["miaf"])), Row("image/avif", MediaSample.heif("avif")),
        Row("image/avif", MediaSample.heif("mif1", also: ["avif"])), Row("image/tiff", [0x49, 0x49, 0x2A, 0, 8, 0]),
        Row("image/tiff", [0x4D, 0x4D, 0, 0x2A, 0, 0]),
        Row("image/x-icon", [0, 0, 1, 0, 1, 0, 16, 16, 0, 0, 1, 0, 32, 0, 0, 4, 0, 0, 22, 0, 0, 0]),
    ]
    static let sounds: [Row] = [
        Row("audio/mpeg", MediaSample.text("ID3") + [4, 0, 0, 0, 0, 0, 0]), Row("audio/mpeg", MediaSample.mp3()),
        Row("audio/mpeg", MediaSample.mp3(frames: 1)), Row("audio/aac", MediaSample.aac()),
        Row("audio/wav", MediaSample.riff("WAVEfmt ")), Row("audio/flac", MediaSample.text("fLaC") + [0]),
        Row("audio/ogg", MediaSample.ogg("\u{1}vorbis")), Row("audio/opus", MediaSample.ogg("OpusHead")),
        Row("audio/aiff", MediaSample.text("FORM") + [0, 0, 0, 9] + MediaSample.text("AIFC")),
        Row("audio/amr", MediaSample.text("#!AMR\n")), Row("audio/mp4", MediaSample.ftyp("M4A ", ["isom"])),
        Row("audio/x-ms-wma", MediaSample.asf(picture: false)),
    ]
    static let films: [Row] = [
        Row("video/mp4", MediaSample.ftyp("isom", ["iso2", "avc1", "mp41"])),
        Row("video/mp4", MediaSample.ftyp("mp42", ["3gp4", "M4A "])), Row("video/quicktime", MediaSample.ftyp("qt  ")),
        Row("video/quicktime", [0, 0, 0, 8] + MediaSample.text("wide") + [0, 0, 0, 9] + MediaSample.text("mdat")),
        Row("video/x-m4v", MediaSample.ftyp("M4V ")), Row("video/3gpp", MediaSample.ftyp("3gp5")),
        Row("video/webm", MediaSample.matroska("webm")), Row("video/x-matroska", MediaSample.matroska("matroska")),
        Row("video/x-msvideo", MediaSample.riff("AVI LIST")), Row("video/mpeg", [0, 0, 1, 0xBA, 0x44]),
        Row("video/x-flv", MediaSample.text("FLV") + [1, 5]), Row("video/x-ms-wmv", MediaSample.asf(picture: true)),
    ]
    static let documents: [Row] = [
        Row("application/pdf", MediaSample.text("%PDF-1.7\n")),
        Row("application/rtf", MediaSample.text("{\\rtf1\\ansi")),
        Row(office + "wordprocessingml.document", zip("[Content_Types].xml", "_rels/.rels", "word/document.xml")),
        Row(office + "spreadsheetml.sheet", zip("[Content_Types].xml", "xl/workbook.xml", lengths: false)),
        Row(office + "presentationml.presentation", zip("docProps/app.xml", "ppt/presentation.xml")),
        Row("application/epub+zip", MediaSample.zip([("mimetype", "application/epub+zip"), ("a", "b")])),
        Row("application/zip", zip("readme.txt", "a/word/x")), Row("application/zip", [0x50, 0x4B, 5, 6, 0, 0]),
        Row("application/msword", MediaSample.ole(["1Table", "WordDocument"])),
        Row("application/vnd.ms-excel", MediaSample.ole(["Workbook"])),
        Row("application/vnd.ms-excel", MediaSample.ole(["Book"])),
        Row("application/vnd.ms-powerpoint", MediaSample.ole(["Current User", "PowerPoint Document"])),
        Row("application/gzip", [0x1F, 0x8B, 8, 0]), Row("application/x-tar", MediaSample.at(257, "ustar\u{0}00")),
        Row("application/x-rar-compressed", MediaSample.text("Rar!\u{1A}\u{7}\u{1}\u{0}")),
        Row("application/x-7z-compressed", [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C, 0, 4]),
        Row("application/x-parquet", MediaSample.text("PAR1")), Row("application/avro", MediaSample.text("Obj\u{1}")),
        Row("application/x-mobipocket-ebook", MediaSample.at(60, "BOOKMOBI")),
    ]
    static let markup: [Row] = [
        Row("text/html", MediaSample.text("<!DOCTYPE HTML>\n<title>")),
        Row("text/html", MediaSample.text("\u{FEFF}\n <html>")),
        Row("text/html", MediaSample.text("<?xml version=\"1.0\"?><!DOCTYPE html><html>")),
        Row("text/html", MediaSample.text("<!-- saved --><html lang=\"de\">")),
        Row("image/svg+xml", MediaSample.text("<svg xmlns=\"x\">")),
        Row("image/svg+xml", MediaSample.text("<?xml version=\"1.0\"?>\n<svg/>")),
        Row("text/xml", MediaSample.text("<?xml version=\"1.0\"?><feed/>")),
    ]

    private static func zip(_ names: String..., lengths: Bool = true) -> [UInt8] {
        MediaSample.zip(names.map { ($0, "some data") }, lengths: lengths)
    }

    @Test(
        "a picture, a sound, a film, a document, a page is known by how it begins",
        arguments: pictures + sounds + films + documents + markup)
    func known(_ row: Row) {
        #expect(MediaSniffer.look(at: row.bytes) == .type(row.type))
        // What follows does not matter.
        let longer = row.bytes + [UInt8](repeating: 0xAA, count: 700)
        let isFrame = row.bytes[0] == 0xFF && row.type.hasPrefix("audio/")
        if !isFrame { #expect(MediaSniffer.look(at: longer) == .type(row.type)) }
    }

    @Test("text of any sort is text, and bytes of none are nothing known")
    func textAndUnknown() {
        for text in [
            "a", "x,y\n1,2\n", "#!/bin/sh\n", "<script>let a</script>", "<htmlx>", "ÄÖÜ 你好", "{\"a\":1}", "\u{1B}[1m",
        ] {
            #expect(MediaSniffer.look(at: Array(text.utf8)) == .text, "\(text)")
        }
        #expect(MediaSniffer.look(at: [0xE4, 0x20, 0xF6, 0x0A]) == .text)
        #expect(MediaSniffer.look(at: [0xFF, 0xFE, 0x41, 0x00]) == .text)
        for bytes: [UInt8] in [[], [0], [0x50, 0x4B, 0, 1], [0x7F, 0x45, 0x4C, 0x46, 2, 1, 1], [0xFF, 0xE0, 0, 0]] {
            #expect(MediaSniffer.look(at: bytes) == .unknown, "\(bytes)")
        }
    }

    @Test("one frame that no other follows is no MP3")
    func lonelyFrame() {
        let bytes = MediaSample.mp3(frames: 1) + [UInt8](repeating: 7, count: 16)
        #expect(MediaSniffer.look(at: bytes) == .unknown)
    }

    @Test("no head that was cut or changed brings anybody down")
    func anyBytes() {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed of heads that are changed: \(seed)")
        let random = SeededRandom(seed: seed)
        let rows = Self.pictures + Self.sounds + Self.films + Self.documents + Self.markup
        for row in rows {
            for length in 0...min(row.bytes.count, 300) {
                _ = PixelSize.read(Array(row.bytes.prefix(length)), row.type)
                _ = MediaSniffer.look(at: Array(row.bytes.prefix(length)))
            }
            for _ in 0..<200 {
                var bytes = row.bytes
                for _ in 0..<4 {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
                _ = MediaSniffer.look(at: bytes)
                _ = PixelSize.read(bytes, row.type)
            }
        }
    }
}

@Suite("Sizes of pictures by their headers")
struct PixelSizeTests {
    @Test("each format's header tells width and height")
    func read() {
        let expected = PixelSize(width: 300, height: 200)
        for (type, bytes) in [
            ("image/png", MediaSample.png(300, 200)), ("image/jpeg", MediaSample.jpeg(300, 200)),
            ("image/gif", MediaSample.gif(300, 200)), ("image/webp", MediaSample.webp(300, 200)),
            ("image/webp", MediaSample.webpL(300, 200)), ("image/webp", MediaSample.webpX(300, 200)),
            ("image/bmp", MediaSample.bmp(300, 200)), ("image/bmp", MediaSample.bmp(300, -200)),
            ("image/heic", MediaSample.heif("heic", [(160, 120), (300, 200), (64, 64)])),
            ("image/avif", MediaSample.heif("avif", [(300, 200)])),
        ] {
            #expect(PixelSize.read(bytes, type) == expected, "\(type)")
        }
    }

    @Test("a side may have 16384 pixels, all of it a hundred million")
    func limits() {
        for (width, height, isAllowed) in [
            (16_384, 1, true), (16_385, 1, false), (1, 16_385, false), (10_000, 10_000, true), (10_001, 10_000, false),
            (0, 5, false), (5, 0, false), (Int(UInt32.max), Int(UInt32.max), false),
        ] {
            #expect(PixelSize(width: width, height: height).isAllowed == isAllowed, "\(width) × \(height)")
        }
        #expect(PixelSize.read(MediaSample.heif("heic", [(.max, .max), (.max, 1)]), "image/heic")?.isAllowed == false)
        #expect(PixelSize.read(MediaSample.bmp(1, .min), "image/bmp")?.isAllowed == false)
    }

    @Test("a file that is nothing but markers is given up, however long it is")
    func onlyMarkers() {
        let bytes = [0xFF, 0xD8] + [UInt8](repeating: 0xFF, count: 200_000) + MediaSample.jpeg().dropFirst(2)
        #expect(PixelSize.read(bytes, "image/jpeg") == nil)
    }

    @Test("a header that is cut tells nothing")
    func cut() {
        for (type, bytes) in [
            ("image/png", MediaSample.png()), ("image/jpeg", MediaSample.jpeg()), ("image/gif", MediaSample.gif()),
            ("image/webp", MediaSample.webp()), ("image/bmp", MediaSample.bmp()),
        ] {
            let end = type == "image/png" ? 23 : type == "image/gif" ? 9 : type == "image/jpeg" ? 35 : bytes.count - 1
            #expect(PixelSize.read(Array(bytes.prefix(end)), type) == nil, "\(type)")
        }
    }
}
