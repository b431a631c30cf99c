import Foundation
import PolluxCore
import PolluxYAML
import Testing

@Suite("Settings files and their exact reports")
struct SettingsFixtureTests {
    @Test("a bad file yields every problem with place, path and remedy", arguments: Fixture.names)
    func report(of name: String) throws {
        let report = try Fixture.report(of: Fixture.bytes("\(name).yaml"))
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(report.utf8).write(to: Fixture.folder.appending(path: "\(name).expected"))
        }
        let expected = String(decoding: try Fixture.bytes("\(name).expected"), as: UTF8.self)
        #expect(report == expected)
        for value in Fixture.hiddenValues { #expect(!report.contains(value)) }
    }

    @Test("the fixtures are found")
    func found() {
        #expect(Fixture.names.count >= 27)
    }

    @Test("a good file is read whole, and what it leaves out has its default")
    func good() throws {
        let (settings, issues) = Fixture.decode(try Fixture.bytes("good.yaml"))
        #expect(issues.isEmpty)
        #expect(settings.server.listen == ListenAddress(host: "::1", port: 0))
        #expect(settings.server.loops == nil)
        #expect(settings.server.publicURL == "https://llm.example.org/pollux")
        #expect(settings.server.headerTimeout == .seconds(5))
        #expect(settings.server.maxBodyBytes == 2 << 20)
        #expect(settings.server.trustedProxies == ["10.0.0.1"])
        #expect(settings.server.extraHeaders == ["X-Served-By": "pollux", "x.y": "1"])
        #expect(settings.adminKey?.reveal() == "from-the-file")
        #expect(settings.keys.map(\.key) == [Secret("hunter2-hunter2")])
        #expect(settings.keys.map(\.models) == [["*"]])
        #expect(settings.providers.map(\.kind) == [.geminiWeb, .openAICompatible])
        #expect(settings.providers.map(\.baseURL) == [nil, "http://127.0.0.1:11434/v1"])
        #expect(settings.providers.map(\.maxInFlightPerAccount) == [8, 2])
        #expect(settings.providers.map(\.retryBudget) == [0.2, 0.5])
        #expect(settings.providers.map(\.pool.strategy) == [.leastInFlight, .roundRobin])
        #expect(settings.providers.map(\.pool.cooldown) == [.zero, .seconds(600)])
        #expect(settings.models.isEmpty)
    }
}

enum Fixture {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../Fixtures/settings").standardizedFileURL

    static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }()

    /// What the fixtures' variables and files hold; never to be seen in a report.
    static let hiddenValues = ["hunter2", "off-the-env", "99887", "12 parsecs", "from-the-file", "literal-secret"]

    static let environment = [
        "API_KEY": "hunter2-hunter2", "WORD": "off-the-env", "NUMBER": "99887", "TIME": "12 parsecs", "EMPTY": "",
        "LINES": "hunter2\nhunter2", "PLACEHOLDER": "changeme", "YAML": "{name: off-the-env}", "PORT": "8",
    ]

    static func bytes(_ file: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: folder.appending(path: file)))
    }

    static func report(of text: [UInt8]) throws -> String {
        let (_, issues) = decode(text)
        return SettingsError.report(issues) + "\n"
    }

    static func decode(_ text: [UInt8]) -> (SampleSettings, [SettingsIssue]) {
        let issues = SettingsIssues()
        let expansion = SettingsExpansion(environment: environment, readFile: readFile)
        let written = YAMLReader.parse(text, file: "settings.yaml", issues: issues)
        var map = SettingsMap(expansion.expand(written, issues: issues), issues: issues)
        return (SampleSettings(reading: &map), issues.sorted)
    }

    struct NoSuchFile: Error, CustomStringConvertible { let description = "no such file" }

    private static func readFile(_ path: String) throws -> String {
        switch path {
        case "/run/secrets/key": return "from-the-file\n"
        case "/run/secrets/empty": return "\n"
        default: throw NoSuchFile()
        }
    }
}
