import Foundation
import PolluxCore
import Testing

@Suite("Media head fuzz corpus")
struct MediaHeadCorpusTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/MediaHead/corpus")

    @Test("every head of the fuzz corpus is read without harm, and what is told of it is in the table")
    func replay() throws {
        let files = try FileManager.default.contentsOfDirectory(at: Self.corpus, includingPropertiesForKeys: nil)
        #expect(files.count >= 20)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            if case .type(let type) = MediaSniffer.look(at: bytes) {
                #expect(MediaTypes.canonical(type) == type, "\(file.lastPathComponent)")
            }
            for type in ["image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp", "image/heic"] {
                guard let size = PixelSize.read(bytes, type), size.isAllowed else { continue }
                #expect(size.width * size.height <= PixelSize.maxPixels)
            }
        }
    }
}
