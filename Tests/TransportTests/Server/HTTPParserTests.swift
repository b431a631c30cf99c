import Glibc
import PolluxTesting
import Testing

@testable import PolluxTransport

@Suite("Request parser and chunk decoder")
struct HTTPParserTests {
    @Test("cut anywhere, a head gives the same result")
    func cutAnywhere() {
        let limits = HTTPRequestParser.Limits()
        for row in WireRow.all where row.bytes.count < 400 {
            let whole = HTTPFuzzProperty.parse(row.bytes, cuts: [], limits)
            for cut in 1..<row.bytes.count {
                #expect(HTTPFuzzProperty.parse(row.bytes, cuts: [cut], limits) == whole, "\(row) cut at \(cut)")
            }
        }
    }

    @Test("random changes to sound requests never break the property", arguments: 0..<40)
    func randomChanges(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        let rows = WireRow.all.filter { $0.bytes.count < 400 }
        for _ in 0..<50 {
            var bytes = rows[Int(random.next() % UInt64(rows.count))].bytes
            for _ in 0..<(1 + random.next() % 4) {
                let index = Int(random.next() % UInt64(bytes.count))
                let interesting: [UInt8] = [0x0D, 0x0A, 0x20, 0x09, 0x3A, 0x00, 0x3B, 0x30, 0x80, 0xFF, 0x2F, 0x2C]
                let byte = interesting[Int(random.next() % UInt64(interesting.count))]
                switch random.next() % 3 {
                case 0: bytes[index] = byte
                case 1: bytes.insert(byte, at: index)
                default: bytes.remove(at: index)
                }
                if bytes.isEmpty { bytes = [byte] }
            }
            #expect(HTTPFuzzProperty.violation(bytes) == nil, "\(String(decoding: bytes, as: UTF8.self))")
        }
    }

    @Test("bytes that come one by one are looked at once")
    func noRescan() throws {
        // A quadratic parser would need some 10^9 steps here.
        let bytes = Array(
            ("GET / HTTP/1.1\r\nHost: a\r\nX: " + String(repeating: "x", count: 30_000) + "\r\n\r\n").utf8)
        var parser = HTTPRequestParser()
        var found: ParsedRequest?
        for end in 1...bytes.count where found == nil { found = try parser.parse(bytes.span.extracting(0..<end)) }
        #expect(found?.headLength == bytes.count)
    }

    @Test("the decoder agrees with a plain model on sound bodies", arguments: 0..<100)
    func decoderModel(seed: UInt64) {
        let random = SeededRandom(seed: seed)
        var payload: [UInt8] = []
        var wire: [UInt8] = []
        for _ in 0..<(random.next() % 8) {
            let chunk = (0..<(1 + random.next() % 300)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            let size = String(chunk.count, radix: 16, uppercase: random.next() % 2 == 0)
            let zeros = String(repeating: "0", count: Int(random.next() % 3))
            let suffix = ["", ";a", ";a=\"b c\"", " ;a"][Int(random.next() % 4)]
            wire += Array("\(zeros)\(size)\(suffix)\r\n".utf8) + chunk + [0x0D, 0x0A]
            payload += chunk
        }
        wire += Array("0\r\n".utf8) + (random.next() % 2 == 0 ? [] : Array("X-T: v\r\n".utf8)) + [0x0D, 0x0A]
        let next = Array("GET ".utf8)
        let cuts = Set((0..<5).map { _ in 1 + Int(random.next() % UInt64(wire.count - 1)) }).sorted()
        let outcome = HTTPFuzzProperty.decode(wire + next, cuts: cuts)
        #expect(outcome.error == nil)
        #expect(outcome.bytes == payload)
        #expect(outcome.isFinished && outcome.used == wire.count)
    }

    @Test("with any one byte of a body changed, the decoder agrees with a naive one")
    func decoderMutations() {
        let wire = Array("5;a\r\nhello\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n".utf8)
        for index in wire.indices {
            for byte in UInt8.min...UInt8.max {
                var changed = wire
                changed[index] = byte
                let outcome = HTTPFuzzProperty.decode(changed, cuts: [])
                let payload = outcome.error == nil && outcome.isFinished ? outcome.bytes : nil
                #expect(payload == naivelyDecoded(changed), "byte \(byte) at \(index)")
            }
        }
    }

    @Test("the fuzz corpus holds the property")
    func corpus() throws {
        let folder = #filePath.components(upTo: "/Tests/") + "/Fuzz/HTTP/corpus"
        let files = try #require(readFolder(folder))
        #expect(files.count >= 20)
        for (name, bytes) in files { #expect(HTTPFuzzProperty.violation(bytes) == nil, "\(name)") }
    }
}

/// A decoder that sees the whole body at once and copies as it likes; `nil` for what is unsound or incomplete.
private func naivelyDecoded(_ wire: [UInt8]) -> [UInt8]? {
    var rest = wire[...]
    var payload: [UInt8] = []
    func takeLine() -> String? {
        guard let end = rest.firstIndex(of: 0x0D), end + 1 < rest.endIndex, rest[end + 1] == 0x0A else { return nil }
        defer { rest = rest[(end + 2)...] }
        let isSound = rest[..<end].allSatisfy { $0 == 9 || ($0 >= 32 && $0 != 127) }
        // Latin-1 keeps every byte a character of its own.
        return isSound ? String(String.UnicodeScalarView(rest[..<end].map { Unicode.Scalar($0) })) : nil
    }
    while true {
        guard let line = takeLine() else { return nil }
        let parts = line.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        var digits = parts[0]
        if parts.count > 1 { while digits.last == " " || digits.last == "\t" { digits.removeLast() } }
        guard (1...8).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
        guard let size = Int(digits, radix: 16) else { return nil }
        if size == 0 { break }
        guard rest.count >= size + 2, rest.dropFirst(size).starts(with: [0x0D, 0x0A]) else { return nil }
        payload += rest.prefix(size)
        rest = rest.dropFirst(size + 2)
    }
    while let line = takeLine() {
        if line.isEmpty { return payload }
        guard let colon = line.firstIndex(of: ":"), colon > line.startIndex else { return nil }
        let name = line[..<colon]
        let isToken = name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "!#$%&'*+-.^_`|~".contains($0)) }
        guard isToken else { return nil }
    }
    return nil
}

extension StringProtocol {
    fileprivate func components(upTo marker: String) -> String {
        let text = Array(utf8)
        let mark = Array(marker.utf8)
        for start in text.indices where text[start...].starts(with: mark) {
            return String(decoding: text[..<start], as: UTF8.self)
        }
        return String(self)
    }
}

private func readFolder(_ path: String) -> [(String, [UInt8])]? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var files: [(String, [UInt8])] = []
    while let entry = readdir(folder) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        guard !name.hasPrefix("."), let bytes = readFile(path + "/" + name) else { continue }
        files.append((name, bytes))
    }
    return files
}

private func readFile(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
    return count < 0 ? nil : Array(bytes[..<count])
}
