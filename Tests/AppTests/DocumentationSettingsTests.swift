import PolluxCore
import Testing

@testable import PolluxApp

@Suite("Settings in the documentation")
struct DocumentationSettingsTests {
    @Test("every block that begins with '# settings.yaml' can be copied as it stands", arguments: SettingsBlock.all)
    func decodes(_ block: SettingsBlock) throws {
        let loader = SettingsLoader(registry: .standard, environment: block.environment)
        let (settings, warnings) = try loader.decode(Array(block.text.utf8), file: block.page)
        #expect(warnings.isEmpty)
        #expect(!settings.providers.isEmpty)
    }

    @Test("the README shows a whole settings file")
    func readmeHasOne() {
        #expect(SettingsBlock.all.contains { $0.page == "README.md" })
    }
}

/// A settings file shown in a Markdown page.
struct SettingsBlock: Sendable, CustomTestStringConvertible {
    let page: String
    let text: String
    var testDescription: String { "\(page): \(text.split(separator: "\n").dropFirst().first ?? "")" }

    /// Every variable that the block refers to, set to something.
    var environment: [String: String] {
        let names = text.split(separator: "${").dropFirst().map { rest in
            String(rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" })
        }
        return Dictionary(names.map { ($0, "value-of-\($0)-0123456789") }, uniquingKeysWith: { first, _ in first })
    }

    static let all: [SettingsBlock] = pages.flatMap { page in
        blocks(in: (try? SystemFiles.contents(of: "\(root)/\(page)", limit: 1 << 20)) ?? []).map { text in
            SettingsBlock(page: page, text: text)
        }
    }

    /// The guides for plugin authors name kinds of their own; the tests of Examples/acme-gateway read those.
    private static let pages =
        ["README.md"]
        + [
            "client-keys", "gemini-business", "install", "limits", "monitoring", "openai-clients", "operating",
            "simulators",
        ].map { "docs/\($0).md" }

    private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    private static func blocks(in page: [UInt8]) -> [String] {
        let fenced = String(decoding: page, as: UTF8.self).split(separator: "```yaml\n").dropFirst()
        return fenced.filter { $0.hasPrefix("# settings.yaml") }.map { block in
            let lines = block.split(separator: "\n", omittingEmptySubsequences: false)
            return lines.prefix { $0 != "```" }.joined(separator: "\n")
        }
    }
}
