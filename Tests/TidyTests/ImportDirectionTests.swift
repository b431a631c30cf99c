import Testing

@Suite("Imports point downwards only")
struct ImportDirectionTests {
    /// Folder below `Sources` → what it may import besides the system.
    private static let allowed: [String: Set<String>] = [
        "Core": [],
        "YAML": ["PolluxCore", "CYAML"],
        "Crypto": ["PolluxCore", "COpenSSL"],
        "SQLite": ["PolluxCore", "CSQLite"],
        "Redis": ["PolluxCore", "CHiredis"],
        "Storage": ["PolluxCore", "PolluxSQLite", "PolluxRedis", "PolluxCrypto"],
        "Admin": ["PolluxCore", "PolluxCrypto"],
        "Transport": ["PolluxCore", "CSystem", "CCurl", "CCurlShim"],
        "Providers": ["PolluxCore", "PolluxCrypto"],
        "Frontends": ["PolluxCore"],
        "CredentialSources": ["PolluxCore"],
        "Simulator": ["PolluxCore", "PolluxTransport", "PolluxCrypto"],
        "PolluxTesting": ["PolluxCore"],
        "App": [
            "PolluxCore", "PolluxProviders", "PolluxFrontends", "PolluxCredentialSources", "PolluxTransport",
            "PolluxStorage", "PolluxRedis", "PolluxAdmin", "PolluxYAML", "PolluxCrypto", "CSystem",
        ],
        "pollux": ["PolluxCore", "PolluxApp", "PolluxSimulator"],
    ]
    private static let system: Set<String> = ["Glibc", "Synchronization"]

    @Test("a module imports only what stands below it", arguments: SourceTree.swiftFiles(below: "Sources"))
    func importsPointDownwards(_ file: SourceTree.File) throws {
        let folder = try #require(file.path.split(separator: "/").dropFirst().first.map(String.init))
        let allowed = try #require(Self.allowed[folder], "Sources/\(folder) is not in this table")
        for line in file.lines {
            guard let module = importedModule(line) else { continue }
            let isTesting = folder == "PolluxTesting" && module == "Testing"
            #expect(
                allowed.contains(module) || Self.system.contains(module) || isTesting,
                "\(file.path) imports \(module)")
        }
    }

    private func importedModule(_ line: String) -> String? {
        var words = line.split(separator: " ")
        while let first = words.first, first == "public" || first.hasPrefix("@") { words.removeFirst() }
        guard words.first == "import", words.count >= 2 else { return nil }
        return String(words[words.count > 2 ? 2 : 1].prefix { $0 != "." })
    }

    @Test("no provider names a type of another one")
    func providersAreStrangers() {
        let files = SourceTree.swiftFiles(below: "Sources/Providers")
        let folders = Set(files.compactMap { folder(of: $0.path) }).subtracting(["Shared"])
        for owner in folders {
            let types = files.filter { folder(of: $0.path) == owner }.flatMap { declaredTypes($0.lines) }
            for file in files where folders.contains(folder(of: file.path) ?? "") && folder(of: file.path) != owner {
                let words = Set(file.lines.flatMap { $0.split { !$0.isLetter && !$0.isNumber && $0 != "_" } })
                for type in types { #expect(!words.contains(type[...]), "\(file.path) names \(type) of \(owner)") }
            }
        }
    }

    private func folder(of path: String) -> String? {
        let parts = path.split(separator: "/")
        return parts.count > 3 ? String(parts[2]) : nil
    }

    /// Types at file level that other files of the module could see.
    private func declaredTypes(_ lines: [String]) -> [String] {
        lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let first = line.first, first != " ", first != "/", !words.contains("private"),
                !words.contains("fileprivate"),
                let keyword = words.firstIndex(where: { ["struct", "enum", "class", "actor", "protocol"].contains($0) }
                ),
                words.index(after: keyword) < words.endIndex
            else { return nil }
            return String(words[words.index(after: keyword)].prefix { $0.isLetter || $0.isNumber })
        }
    }
}
