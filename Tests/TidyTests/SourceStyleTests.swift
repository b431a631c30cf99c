import Testing

@Suite("Habits that the compiler does not check")
struct SourceStyleTests {
    private static let maxFileLines = 500
    private static let maxLineLength = 120

    /// What must not be called, and the files that have a reason to.
    private static let banned: [(text: String, exceptIn: [String])] = [
        ("try!", []), ("as!", []), ("fatalError(", []), ("Task.detached", []), ("Thread.sleep", []),
        ("Task.sleep", []), ("print(", []), ("import Foundation", []), ("\u{54}ODO", []), ("FIX\u{4D}E", []),
    ]

    @Test("no source file calls what is banned", arguments: SourceTree.swiftFiles(below: "Sources"))
    func nothingBanned(_ file: SourceTree.File) {
        for (number, line) in file.lines.enumerated() where !isComment(line) {
            for ban in Self.banned where contains(line, ban.text) && !ban.exceptIn.contains(file.path) {
                Issue.record("\(file.path):\(number + 1): \(ban.text) is banned")
            }
        }
    }

    @Test("files and lines stay short", arguments: SourceTree.swiftFiles(below: "Sources", "Tests", "Examples", "Fuzz"))
    func short(_ file: SourceTree.File) {
        #expect(file.lines.count <= Self.maxFileLines, "\(file.path) has \(file.lines.count) lines: split it by idea")
        for (number, line) in file.lines.enumerated() where line.count > Self.maxLineLength {
            Issue.record("\(file.path):\(number + 1): \(line.count) columns")
        }
    }

    @Test(
        "each unchecked Sendable says what guards it",
        arguments: SourceTree.swiftFiles(below: "Sources").filter {
            $0.lines.contains { $0.contains("@unchecked Sendable") }
        })
    func uncheckedIsExplained(_ file: SourceTree.File) {
        for (number, line) in file.lines.enumerated() where line.contains("@unchecked Sendable") && !isComment(line) {
            let above = file.lines[max(0, number - 8)..<number].joined(separator: " ").lowercased()
            #expect(above.contains("unchecked"), "\(file.path):\(number + 1) needs a comment that says what guards it")
        }
    }

    /// Matches whole words, so that `reprint(` is not `print(`.
    private func contains(_ line: String, _ text: String) -> Bool {
        var rest = line[...]
        while let range = rest.firstRange(of: text) {
            let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
            if !before.isLetter && before != "." && before != "_" { return true }
            rest = rest[range.upperBound...]
        }
        return false
    }

    private func isComment(_ line: String) -> Bool { line.drop { $0 == " " }.hasPrefix("//") }
}
