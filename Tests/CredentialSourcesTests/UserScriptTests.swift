import Glibc
import PolluxCore
import PolluxCredentialSources
import Testing

/// `Examples/business-cookies.user.js`: what it copies is what an import takes, and it can do nothing else.
@Suite("The user script that copies a Gemini Business account")
struct UserScriptTests {
    private static let fields = ["id", "secure_c_ses", "host_c_oses", "csesidx", "config_id", "user_agent"]
    private static let address =
        "https://business.gemini.google/home/cid/0cd0aa00-0000-4000-8000-00000000c001?csesidx=498000001&mods"
    private static let whole: JSON = ["__Secure-C_SES": "CSE.Ad-x_1.2", "__Host-C_OSES": "COS.Af-y_1.2"]

    @Test("the example in its comment is imported without a problem, with every field")
    func example() throws {
        let lines = Self.script.split(separator: "\n")
        let start = try #require(lines.firstIndex(of: "// ["))
        let end = try #require(lines[start...].firstIndex(of: "// ]"))
        let text = lines[start...end].map { String($0.dropFirst(3)) }.joined(separator: "\n")
        let record = try Self.imported(text)
        #expect(record.credential?.accountID == "ops1@example.org")
        #expect(record.credential.map { Set($0.values.keys) } == Set(Self.fields.dropFirst()))
        // The code lists the same fields as the example.
        #expect(Self.script.contains("{ \(Self.fields.dropLast().joined(separator: ", ")), user_agent: "))
    }

    @Test("it asks for three grants, runs on one host, is short, and has no word that could send anything")
    func harmless() {
        let lines = Self.script.split(separator: "\n").map(String.init)
        let metadata = lines.filter { $0.hasPrefix("// @") }.map { $0.split(separator: " ").map(String.init) }
        func values(_ name: String) -> [String] { metadata.filter { $0[1] == "@\(name)" }.map { $0[2] } }
        #expect(values("grant") == ["GM_cookie", "GM_registerMenuCommand", "GM_setClipboard"])
        #expect(values("match") == ["https://business.gemini.google/*"])
        for name in ["include", "connect", "require", "resource", "updateURL", "downloadURL"] {
            #expect(values(name).isEmpty)
        }
        #expect(lines.count < 150)
        let code = lines.filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
        let words = [
            "fetch", "XMLHttp", "xmlhttp", "WebSocket", "EventSource", "sendBeacon", "import(", "Image",
            "createElement",
            "innerHTML", "eval", "Function(", "localStorage", "setValue", "open(", "submit", "Worker", "RTC",
        ]
        for word in words { #expect(!code.contains(word), "\(word)") }
    }

    /// What it is given, and what it must make of it: the values of the account, or nil for none.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var url = UserScriptTests.address
        var cookie = ""
        var granted: JSON = .null
        var answers: [JSON] = []
        var values: [String]?
    }

    static let cases: [Case] = [
        Case(
            testDescription: "the manager sees both cookies", granted: whole, answers: ["ops1@example.org"],
            values: ["ops1@example.org", "CSE.Ad-x_1.2", "COS.Af-y_1.2"]),
        Case(
            testDescription: "the page sees them, and the usual name is taken",
            cookie: "a=b; __Secure-C_SES=CSE.=x; __Host-C_OSES=COS.y", answers: [""],
            values: ["business-0cd0aa00", "CSE.=x", "COS.y"]),
        Case(
            testDescription: "the manager refuses: both are pasted, with quotes and a line end", granted: "error",
            answers: [" \"CSE.q\"\n", "COS.r", "a"], values: ["a", "CSE.q", "COS.r"]),
        Case(
            testDescription: "the second cookie is not there", granted: ["__Secure-C_SES": "CSE.x"],
            answers: ["", "a"], values: ["a", "CSE.x"]),
        Case(testDescription: "nothing is pasted", answers: [.null]),
        Case(testDescription: "the page is not signed in", url: "https://business.gemini.google/", granted: whole),
        Case(
            testDescription: "the address lacks csesidx", url: "https://business.gemini.google/home/cid/c",
            granted: whole),
    ]

    @Test(
        "what it copies is imported as it is; without the needed values it copies nothing",
        .enabled(if: node != nil, "needs node"), arguments: cases)
    func run(_ example: Case) throws {
        let plan: JSON = [
            "url": .string(example.url), "cookie": .string(example.cookie), "granted": example.granted,
            "answers": .array(example.answers),
        ]
        let outcome = try Self.run(plan)
        guard let values = example.values else {
            #expect(outcome["clipboard"]?.isNull == true)
            #expect(outcome["alerts"]?.array?.count == 1, "the person is told")
            return
        }
        let credential = try #require(try Self.imported(outcome["clipboard"]?.string ?? "").credential)
        #expect(credential.accountID == values[0] && credential["secure_c_ses"]?.reveal() == values[1])
        #expect(credential["host_c_oses"]?.reveal() == (values.count > 2 ? values[2] : nil))
        #expect(credential["csesidx"]?.reveal() == "498000001")
        #expect(credential["config_id"]?.reveal() == "0cd0aa00-0000-4000-8000-00000000c001")
        #expect(credential["user_agent"]?.reveal() == "Mozilla/5.0 (made up)")
        let isToldWhere = (outcome["prompts"]?.array ?? []).dropLast().allSatisfy {
            $0.string?.contains("developer tools (F12)") == true
        }
        #expect(isToldWhere)
    }

    private static func imported(_ text: String) throws -> AccountImportReader.Record {
        let records = try AccountImportReader.readJSON(Array(text.utf8))
        #expect(records.count == 1 && records[0].problems.isEmpty)
        return try #require(records.first)
    }

    // MARK: Files and programs

    private static let root =
        #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
    private static let path = root + "/Examples/business-cookies.user.js"
    private static let script: String = {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        return String(decoding: contents(of: file), as: UTF8.self)
    }()

    /// Where `node` is; the script's own tests need it, the gateway does not.
    private static let node: String? = {
        let found = output(of: "command -v node").split(separator: "\n").first.map(String.init)
        return found.flatMap { $0.hasPrefix("/") ? $0 : nil }
    }()

    private static func run(_ plan: JSON) throws -> JSON {
        let quoted = plan.text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        let harness = root + "/Tests/Fixtures/user-script/run.js"
        let text = output(of: "\(node ?? "node") '\(harness)' '\(path)' '\(quoted)'")
        return try JSON.parse(Array(text.utf8))
    }

    private static func output(of command: String) -> String {
        guard let pipe = popen(command, "r") else { return "" }
        defer { pclose(pipe) }
        return String(decoding: contents(of: pipe), as: UTF8.self)
    }

    private static func contents(of file: UnsafeMutablePointer<FILE>) -> [UInt8] {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 4096))
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            guard count > 0 else { return bytes }
            bytes += buffer[..<count]
        }
    }
}
