import Foundation
import Testing

/// A file of this repository that the code makes. `UPDATE_GOLDEN=1` rewrites it; the diff is reviewed.
enum GoldenFile {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../..")
        .standardizedFileURL

    static func compare(
        _ text: String, with path: String, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let file = root.appending(path: path)
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let known = String(decoding: try Data(contentsOf: file), as: UTF8.self)
        let line = zip(text.split(separator: "\n"), known.split(separator: "\n")).first { $0 != $1 }
        #expect(
            text == known,
            "\(path) is not what the code makes (\(line.map { "\($0.0) / \($0.1)" } ?? "length")); run 'make golden'",
            sourceLocation: sourceLocation)
    }
}
