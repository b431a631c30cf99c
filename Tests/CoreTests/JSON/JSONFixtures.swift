import Foundation
import PolluxCore
import Testing

/// A JSON text with the name of the file it came from, so that a failure names the file.
struct JSONCase: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]

    var testDescription: String { name }
}

enum JSONFixtures {
    /// This file stands three folders below the package's root.
    static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    /// The public conformance cases (nst/JSONTestSuite), which lie beside the package where they are installed.
    static let conformanceSuite: [JSONCase]? = {
        for parent in ["..", "../.."] {
            let folder = packageRoot.appending(path: "\(parent)/shared/fixtures/json-test-suite/test_parsing")
            if let cases = cases(in: folder) { return cases }
        }
        return nil
    }()

    static let accepted = cases(in: packageRoot.appending(path: "Tests/Fixtures/json/accept")) ?? []
    static let refused = cases(in: packageRoot.appending(path: "Tests/Fixtures/json/refuse")) ?? []
    static let fuzzCorpus = cases(in: packageRoot.appending(path: "Fuzz/JSON/corpus")) ?? []

    private static func cases(in folder: URL) -> [JSONCase]? {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: folder.path) else { return nil }
        return names.sorted().compactMap { name in
            guard !name.hasPrefix("."), let data = try? Data(contentsOf: folder.appending(path: name)) else {
                return nil
            }
            return JSONCase(name: name, bytes: Array(data))
        }
    }
}

/// Parses text for a test.
func parse(_ text: String, _ options: JSONParseOptions = .client) throws(JSONError) -> JSON {
    try JSON.parse(Array(text.utf8), options)
}

/// The error that a text is refused with, or nil when it is accepted.
func refusal(_ bytes: [UInt8], _ options: JSONParseOptions = .client) -> JSONError? {
    do throws(JSONError) {
        _ = try JSON.parse(bytes, options)
        return nil
    } catch {
        return error
    }
}

func refusal(_ text: String, _ options: JSONParseOptions = .client) -> JSONError? {
    refusal(Array(text.utf8), options)
}
