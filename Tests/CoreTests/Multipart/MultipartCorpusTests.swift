import Foundation
import PolluxCore
import Testing

@Suite("Multipart fuzz corpus")
struct MultipartCorpusTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/Multipart/corpus")

    @Test("every body of the fuzz corpus is read the same whole and byte by byte")
    func replay() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.corpus, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files {
            let body = Array(try Data(contentsOf: file).dropFirst())
            let whole = MultipartOutcome.reading([body])
            let byByte = MultipartOutcome.reading(body.map { [$0] })
            #expect(whole == byByte, "\(file.lastPathComponent)")
        }
    }
}
