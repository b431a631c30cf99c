import PolluxCore
import PolluxTesting
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test(
        "the vectors of RFC 4648 section 10 hold in both directions",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func rfcVectors(_ plain: String, _ text: String) throws {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(try Base64.decode(text) == Array(plain.utf8))
    }

    @Test("all four forms: each alphabet with and without padding")
    func fourForms() {
        let bytes: [UInt8] = [0xFB, 0xEF, 0xFF, 0xFE]
        #expect(Base64.encode(bytes) == "++///g==")
        #expect(Base64.encode(bytes, padding: false) == "++///g")
        #expect(Base64.encode(bytes, .urlSafe) == "--___g")
        #expect(Base64.encode(bytes, .urlSafe, padding: true) == "--___g==")
        var message = Array("data:".utf8)
        Base64.append(bytes, to: &message)
        #expect(message == Array("data:++///g==".utf8))
    }

    @Test("random bytes survive every form", arguments: 0..<200)
    func roundTrip(_ seed: Int) throws {
        let generator = SeededRandom(seed: seed)
        let bytes = (0..<Int(generator.next() % 70)).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
        for alphabet in [Base64.Alphabet.standard, .urlSafe] {
            for padding in [true, false] {
                let text = Base64.encode(bytes, alphabet, padding: padding)
                #expect(try Base64.decode(text, .lenient) == bytes)
                if alphabet == .urlSafe { #expect(try Base64.decode(text, .urlSafe) == bytes) }
            }
        }
    }

    @Test(
        "the strict rules refuse what the writer should not have written, and say where",
        arguments: [
            ("Zg", Base64Error.Reason.length, 2), ("Zg=", .padding, 2), ("Zg===", .padding, 2), ("Z", .length, 1),
            ("Zm9v=", .padding, 4), ("Zm9vYg==Zm9v", .padding, 8), ("Zm 9v", .character, 2), ("Zm9v\n", .character, 4),
            ("Zh==", .bits, 1), ("Zm9=", .bits, 2), ("--__", .character, 0), ("Zm9v\u{0}AAA", .character, 4),
            ("Zm9vé", .character, 4), ("=", .padding, 0),
        ])
    func strictRefusals(_ text: String, _ reason: Base64Error.Reason, _ offset: Int) {
        #expect(throws: Base64Error(reason: reason, offset: offset)) { try Base64.decode(text) }
    }

    @Test(
        "the lenient rules read what real writers produce",
        arguments: ["Zm9vYg", "Zm9vYg=", "Zm9vYg==", "Zm9vYg====", " Zm9v\r\nYg==\n", "Zm9vYh"])
    func lenient(_ text: String) throws {
        #expect(try Base64.decode(text, .lenient) == Array("foob".utf8))
    }

    @Test("even the lenient rules refuse foreign characters and a lone last character")
    func lenientRefusals() {
        #expect(throws: Base64Error(reason: .character, offset: 2)) { try Base64.decode("Zm*v", .lenient) }
        #expect(throws: Base64Error(reason: .length, offset: 5)) { try Base64.decode("Zm9vY", .lenient) }
        #expect(throws: Base64Error(reason: .padding, offset: 5)) { try Base64.decode("Zm8= Zm8=", .lenient) }
    }

    @Test("token lengths of 2 and 3 beyond a group, with and without padding")
    func tokenForms() throws {
        #expect(try Base64.decode("_-8", .urlSafe) == [0xFF, 0xEF])
        #expect(try Base64.decode("_-8=", .urlSafe) == [0xFF, 0xEF])
        #expect(try Base64.decode("_w", .urlSafe) == [0xFF])
        #expect(try Base64.decode("_w==", .urlSafe) == [0xFF])
        #expect(try Base64.decode("-_--", .urlSafe) == [0xFB, 0xFF, 0xBE])
    }
}
