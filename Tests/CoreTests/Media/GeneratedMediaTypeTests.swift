import PolluxCore
import Testing

@Suite("The type of what a model made")
struct GeneratedMediaTypeTests {
    private static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    private static let known: [(type: GeneratedMediaType, head: [UInt8])] = [
        (.png, [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13]),
        (.jpg, [0xFF, 0xD8, 0xFF, 0xE0, 0, 16]),
        (.gif, text("GIF89a")), (.gif, text("GIF87a")),
        (.webp, text("RIFF....WEBPVP8 ")), (.wav, text("RIFF....WAVEfmt ")),
        (.mp4, text("....ftypisom....")), (.mp4, text("....ftypmp42")), (.mov, text("....ftypqt  ")),
        (.webm, [0x1A, 0x45, 0xDF, 0xA3, 0x9F, 0x42, 0x82, 0x84] + text("webm")),
        (.mp3, text("ID3") + [4, 0, 0]), (.mp3, [0xFF, 0xFB, 0x90, 0x64]),
    ]

    @Test("is told by the first bytes")
    func known() {
        for (type, head) in Self.known {
            let found = GeneratedMediaType.sniff(head + Array(repeating: 0, count: 200))
            #expect(found == type, "\(type)")
        }
    }

    @Test(
        "is none for text, markup, programs, archives, images in film containers, and beginnings that are cut off",
        arguments: [
            "", "<!doctype html><html>", "<svg xmlns=\"http://www.w3.org/2000/svg\">", "GIF88a", "RIFF", "RIFF....AVI ",
            "....ftyp", "....ftypheic", "....ftypavif", "%PDF-1.7", "PK\u{3}\u{4}", "\u{7F}ELF", "ID",
        ])
    func unknown(_ head: String) {
        let found = GeneratedMediaType.sniff(Array(head.utf8))
        #expect(found == nil)
    }

    @Test("is not webm for other Matroska files, nor mp3 for a frame with rates that do not exist")
    func nearMisses() {
        let matroska: [UInt8] = [0x1A, 0x45, 0xDF, 0xA3, 0x9F, 0x42, 0x82, 0x88] + Self.text("matroska")
        for head: [UInt8] in [
            matroska, [0xFF, 0xFB, 0xF0, 0x64], [0xFF, 0xFB, 0x0C, 0x64], [0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            let found = GeneratedMediaType.sniff(head)
            #expect(found == nil, "\(head)")
        }
    }
}

@Suite("Names of stored media")
struct MediaNameTests {
    @Test("are 22 characters of random bits, and none like the other")
    func made() {
        let names = (0..<1000).map { _ in MediaName.makeStem(SystemRandom()) }
        #expect(Set(names).count == 1000)
        #expect(names.allSatisfy { $0.utf8.count == 22 && MediaName.isWellFormed($0 + ".png") })
    }

    @Test("have 16 to 64 plain characters and a short extension")
    func wellFormed() {
        let good = ["abcdefghijklmnop.png", String(repeating: "Z", count: 64) + ".webm", "0123456789-_abcd.mp3"]
        let bad = [
            "", ".png", "abc.png", "abcdefghijklmnop", "abcdefghijklmnop.", "abcdefghijklmnop.p",
            "abcdefghijklmnop.facts",
            "abcdefghijklmnop.PNG", "abcdefghijklmnop.png.png", "abcdefghijklmno/.png", "../../../etc/passwd.png",
            "abcdefghijklmnop%2e.png", "abcdefghijklmnöp.png", String(repeating: "Z", count: 65) + ".png",
        ]
        for name in good { #expect(MediaName.isWellFormed(name), "\(name)") }
        for name in bad { #expect(!MediaName.isWellFormed(name), "\(name)") }
    }
}
