import PolluxTesting
import Testing

@testable import PolluxProviders

@Suite("Prompts to the letter")
struct PromptGoldenTests {
    private static let folder = #filePath.replacing(
        "ProvidersTests/Shared/Prompt/PromptGoldenTests.swift", with: "Fixtures/prompt")

    @Test("each request gives exactly the prompt of its file", arguments: PromptCases.golden.keys.sorted())
    func prompts(name: String) throws {
        let make = try #require(PromptCases.golden[name])
        let differences = try Golden(path: "\(Self.folder)/\(name)").differences(from: [("prompt", try make().text)])
        #expect(differences.isEmpty, "\(differences.joined(separator: "\n"))")
    }

    @Test("no file is left without its case")
    func files() { #expect(Golden.files(in: Self.folder) == PromptCases.golden.keys.sorted()) }
}
