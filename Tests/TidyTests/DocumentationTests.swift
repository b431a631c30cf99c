import Glibc
import Testing

/// What the documentation names must exist. Settings blocks are decoded by `DocumentationSettingsTests`.
@Suite("The documentation is true")
struct DocumentationTests {
    /// Written by `make bench`, which not every checkout has run.
    private static let generated: Set<String> = ["docs/benchmarks.md"]

    @Test("every link leads to a file", arguments: MarkdownPage.all)
    func links(_ page: MarkdownPage) {
        for link in page.relativeLinks where !Self.generated.contains(link) {
            #expect(exists(link), "\(page.path) links to \(link), which is not there")
        }
    }

    @Test("every path into the repository exists", arguments: MarkdownPage.all)
    func paths(_ page: MarkdownPage) {
        let roots = ["Sources/", "Tests/", "Examples/", "Fuzz/", "Bench/", "scripts/", "packaging/", "docs/", ".ci/"]
        for span in page.spans where roots.contains(where: span.hasPrefix) && !Self.generated.contains(span) {
            let isPattern = span.contains("<") || span.contains("*") || span.contains(" ")
            #expect(isPattern || exists(span), "\(page.path) names \(span), which is not there")
        }
    }

    @Test("every make target exists", arguments: MarkdownPage.all)
    func makeTargets(_ page: MarkdownPage) {
        let known = Set(SourceTree.text(of: "Makefile").split(separator: "\n").compactMap(target))
        // At the beginning only: "make" is also a word of help texts.
        for word in page.words(after: { $0 == "make" }, onlyFirst: true) {
            #expect(known.contains(word), "\(page.path) names 'make \(word)', which the Makefile does not have")
        }
    }

    @Test("every subcommand exists", arguments: MarkdownPage.all)
    func subcommands(_ page: MarkdownPage) {
        let files = SourceTree.swiftFiles(below: "Sources/App/Command", "Sources/pollux")
        let known = Set(files.flatMap(\.lines).compactMap(commandName)).union(["help"])
        #expect(known.isSuperset(of: ["serve", "simulate"]))
        for word in page.words(after: { $0 == "pollux" || $0.hasSuffix("/pollux") }) {
            #expect(known.contains(word), "\(page.path) names 'pollux \(word)', which is no subcommand")
        }
    }

    @Test(
        "the code in a guide for plugin authors is the example's, which is built and tested",
        arguments: ["provider", "credential-source", "frontend"])
    func guideCode(_ plugin: String) {
        let page = "docs/write-a-\(plugin).md"
        let files = SourceTree.swiftFiles(below: "Examples").map { $0.lines.joined(separator: "\n") }
        let blocks = SourceTree.text(of: page).split(separator: "```swift\n").dropFirst()
        #expect(!files.isEmpty && !blocks.isEmpty)
        for block in blocks {
            let code = block.prefix(upTo: block.firstRange(of: "```")?.lowerBound ?? block.endIndex)
            let isThere = files.contains { $0.contains(code) }
            #expect(isThere, "\(page) differs from Examples/acme-gateway from '\(code.prefix(60))' on")
        }
    }

    @Test("the guides show whole files where a plugin author needs all of them")
    func guideFiles() {
        let needed = [
            "AcmeChatProvider", "AcmeChatRequest", "AcmeChatDecoder", "AcmeProvider", "AcmeAnswer", "AcmeFailure",
            "Registration", "KeyFilesSource", "TextFrontend",
        ]
        let pages = SourceTree.paths(below: "docs").filter { $0.contains("write-a-") }.map(SourceTree.text)
        for file in needed {
            let text = SourceTree.text(of: "Examples/acme-gateway/Sources/AcmePlugins/\(file).swift")
            let isShown = !text.isEmpty && pages.contains { $0.contains("```swift\n\(text)```") }
            #expect(isShown, "no guide shows \(file).swift as it is")
        }
    }

    @Test(
        "the page of the neutral model names every case and member",
        arguments: [
            "Model/ModelRequest", "Model/ModelEvent", "Model/Part", "Model/Tools", "Model/ModelInfo",
            "Errors/GatewayError",
        ])
    func neutralModel(_ file: String) {
        let page = SourceTree.text(of: "docs/neutral-model.md")
        let words = Set(page.split { !$0.isLetter && !$0.isNumber }.map(String.init))
        let names = SourceTree.text(of: "Sources/Core/\(file).swift").split(separator: "\n").flatMap(Self.declared)
        #expect(names.count > 5)
        // What only frontends fill, and what only lists of models show.
        let others: Set = [
            "keyID", "address", "userAgent", "endUserID", "displayName", "description", "owner", "created", "id",
            "inputTokenLimit", "outputTokenLimit", "isContent", "totalTokens", "isMedia", "rawValue", "minimal",
            "low", "medium", "high", "xhigh",
        ]
        for name in names where !others.contains(name) {
            #expect(words.contains(name), "docs/neutral-model.md lacks \(name) of \(file).swift")
        }
    }

    /// The names that a line of Swift declares for everybody: `case a, b(String)`, `public var c: Int`.
    private static func declared(_ line: Substring) -> [String] {
        let text = line.drop { $0 == " " }
        for start in ["public var ", "public static let ", "public let "] where text.hasPrefix(start) {
            return [String(text.dropFirst(start.count).prefix { $0.isLetter || $0.isNumber })]
        }
        guard text.hasPrefix("case "), !text.hasPrefix("case .") else { return [] }
        var depth = 0
        let flat = text.dropFirst("case ".count).filter { character in
            if character == "(" { depth += 1 }
            defer { if character == ")" { depth -= 1 } }
            return depth == 0
        }
        return flat.split(separator: ",").map { String($0.drop { $0 == " " }.prefix { $0.isLetter || $0.isNumber }) }
    }

    @Test("every directive of the simulators is in their page")
    func directives() {
        let page = SourceTree.text(of: "docs/simulators.md")
        let marks = SourceTree.text(of: "Sources/Simulator/DirectiveCatalog.swift").split(separator: "\n").compactMap(
            mark)
        #expect(marks.count > 40)
        for mark in marks { #expect(page.contains("| `\(mark)` |"), "docs/simulators.md lacks \(mark)") }
    }

    /// `        ("cut", "the connection ends …"),` → `cut`; also when the pair stands on several lines.
    private func mark(_ line: Substring) -> String? {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        let opening = parts[0].filter { $0 != " " }
        guard parts.count >= 3, opening.isEmpty || opening == "(", !parts[1].contains(" ") else { return nil }
        return String(parts[1])
    }

    private func exists(_ path: String) -> Bool { access("\(SourceTree.root)/\(path)", F_OK) == 0 }

    /// `build: deps ## …` → `build`
    private func target(_ line: Substring) -> String? {
        guard let colon = line.firstIndex(of: ":"), line.first?.isLetter == true else { return nil }
        let name = line[..<colon]
        return name.allSatisfy { $0.isLetter || $0 == "-" } ? String(name) : nil
    }

    /// `    let name = "serve"` → `serve`
    private func commandName(_ line: String) -> String? {
        let parts = line.split(separator: "\"", omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].hasSuffix("    let name = ") ? String(parts[1]) : nil
    }
}

/// A page of the documentation, as far as these tests read Markdown.
struct MarkdownPage: Sendable, CustomTestStringConvertible {
    /// Relative to the repository.
    let path: String
    var testDescription: String { path }

    /// Targets of `[text](target)` inside the repository, relative to its root, without `#fragment`.
    let relativeLinks: [String]
    /// Code between single backticks.
    let spans: [String]
    /// Lines of fenced blocks that are for a shell or in no language.
    private let commands: [String]

    static let all: [MarkdownPage] =
        (["README.md", "CHANGELOG.md", "CONTRIBUTING.md"] + SourceTree.paths(below: "docs").sorted())
        .filter { $0.hasSuffix(".md") }.map { MarkdownPage($0, SourceTree.text(of: $0)) }

    private init(_ path: String, _ text: String) {
        self.path = path
        var (links, spans, commands): ([String], [String], [String]) = ([], [], [])
        var fence: Substring?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                fence = fence == nil ? line.dropFirst(3) : nil
            } else if let fence {
                if ["", "sh", "text"].contains(fence) { commands.append(String(line)) }
            } else {
                let pieces = line.split(separator: "`", omittingEmptySubsequences: false)
                for (index, piece) in pieces.enumerated() where index % 2 == 1 { spans.append(String(piece)) }
                links += line.split(separator: "](").dropFirst().map { String($0.prefix { $0 != ")" && $0 != "#" }) }
            }
        }
        let inside = links.filter { !$0.isEmpty && !$0.contains(":") }
        relativeLinks = inside.map { Self.resolve($0, from: path) }
        (self.spans, self.commands) = (spans, commands)
    }

    /// The words that stand behind a program's name in code, less options, paths and placeholders.
    func words(after isProgram: (Substring) -> Bool, onlyFirst: Bool = false) -> [String] {
        (spans + commands).flatMap { line -> [String] in
            let words = line.split(separator: " ")
            let pairs = zip(words, words.dropFirst()).prefix(onlyFirst ? 1 : words.count)
            return pairs.compactMap { program, word in
                let isName = word.allSatisfy { ($0.isLetter && $0.isLowercase) || $0 == "-" } && word.first != "-"
                return isProgram(program) && isName ? String(word) : nil
            }
        }
    }

    private static func resolve(_ link: String, from page: String) -> String {
        var parts = page.split(separator: "/").dropLast().map(String.init)
        for part in link.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
        }
        return parts.joined(separator: "/")
    }
}
