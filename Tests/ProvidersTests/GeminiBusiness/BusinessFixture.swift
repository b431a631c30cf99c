import Foundation

/// Upstream transcripts under `Tests/Fixtures/business`.
enum BusinessFixture {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let folder = root.appending(path: "Tests/Fixtures/business")

    /// Every transcript of an answer.
    static let answers = ["text", "citations", "policy", "unicode", "code", "files", "inline-images", "error"]

    static func answer(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: "\(name).json")))
    }

    /// Inputs that a fuzzing run found worth keeping.
    static func splitterCorpus() throws -> [[UInt8]] {
        let folder = root.appending(path: "Fuzz/ArraySplitter/corpus")
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path() < $1.path() }.map { [UInt8](try Data(contentsOf: $0)) }
    }
}
