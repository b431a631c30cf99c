import Glibc
import PolluxCore
import PolluxSimulator
import Testing

@Suite("Gemini Business: golden stream")
struct GoldenStreamTests {
    static let cases = [
        ("text", "Hello"), ("cite", "Hello [[sim:cite]]"), ("unicode", "Hello [[sim:unicode]]"),
        ("policy", "[[sim:skip=policy]]"), ("inband", "[[sim:inband=429]]"),
    ]

    @Test("the stream is, byte for byte, the one that readers are tested with", arguments: cases)
    func golden(_ name: String, _ prompt: String) async throws {
        let body = try await withSimulator(.geminiBusiness) { try BusinessClient($0).ask(prompt).body }
        let path = "\(Self.folder)/gemini-business-\(name).json"
        if getenv("UPDATE_GOLDEN") != nil { Self.write(body, to: path) }
        #expect(Self.read(path) == body, "run with UPDATE_GOLDEN=1 and review what changes")
    }

    private static let folder =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/") + "/Fixtures/simulator"

    private static func read(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        return Array(buffer[..<fread(&buffer, 1, 1 << 20, file)])
    }

    private static func write(_ bytes: [UInt8], to path: String) {
        guard let file = fopen(path, "w") else { return }
        defer { fclose(file) }
        fwrite(bytes, 1, bytes.count, file)
    }
}
