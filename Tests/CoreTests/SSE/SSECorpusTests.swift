import Foundation
import PolluxCore
import Testing

@Suite("SSE fuzz corpus")
struct SSECorpusTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/SSE/corpus")

    @Test("every stream of the fuzz corpus is read like a naive reader would, whole and byte by byte")
    func replay() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.corpus, includingPropertiesForKeys: nil)
        #expect(files.count >= 12)
        for file in files {
            let stream = Array(try Data(contentsOf: file).dropFirst())
            let expected = SSESample.naiveEvents(of: stream)
            #expect(try events(of: [stream]) == expected, "\(file.lastPathComponent)")
            #expect(try events(of: stream.map { [$0] }) == expected, "\(file.lastPathComponent), byte by byte")
        }
    }

    private func events(of pieces: [[UInt8]]) throws -> [SSEEvent] {
        var parser = SSEParser()
        var events: [SSEEvent] = []
        for piece in pieces {
            parser.push(piece)
            while let event = try parser.next() { events.append(event) }
        }
        return events
    }
}
