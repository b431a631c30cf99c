import Glibc
import PolluxCore
import PolluxTesting
import Testing

/// A process that writes media is killed with SIGKILL, again and again, at moments of no choice. What it had
/// acknowledged must be there, byte for byte, and nothing that is half written may be seen.
@Suite("Stored media survive kill -9", .serialized)
struct MediaKillTests {
    @Test("20 kills during writes: every acknowledged file is whole, and the folder holds nothing else")
    func kills() async throws {
        try await BlockingThread.run {
            let seed = getenv("POLLUX_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0...9999)
            let random = SeededRandom(seed: seed)
            let folder = try TemporaryFolder()
            var acknowledged: [String: String] = [:]
            for round in 0..<20 {
                let child = try ChildProcess.built("StateHammer", ["media", folder.file("media")])
                // Every other one has time for a file at least, however busy the machine is.
                _ = try child.line(with: round.isMultiple(of: 2) ? "ready" : "media")
                usleep(UInt32(random.below(30_000)))
                child.signal(SIGKILL)
                _ = child.waitForExit()
                let text = child.written
                #expect(!text.contains("failed"), "seed \(seed), round \(round): \(text.suffix(300))")
                acknowledged.merge(Self.files(text)) { _, new in new }
                try Self.check(acknowledged, folder, "seed \(seed), round \(round)")
            }
            #expect(acknowledged.count >= 10, "the writers had time to write")
        }
    }

    /// Lengths by name. A line that the kill has cut was not acknowledged.
    private static func files(_ text: String) -> [String: String] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        let words = lines.map { $0.split(separator: " ").map(String.init) }
        return Dictionary(
            words.compactMap { $0.count == 3 && $0[0] == "media" ? ($0[1], $0[2]) : nil },
            uniquingKeysWith: { first, _ in first })
    }

    private static func check(_ acknowledged: [String: String], _ folder: TemporaryFolder, _ place: String) throws {
        let child = try ChildProcess.built("StateHammer", ["list", folder.file("media")])
        _ = child.waitForExit(within: .seconds(30))
        let text = child.written
        #expect(text.hasSuffix("end\n"), "\(place): it starts without help: \(text.suffix(300))")
        #expect(!text.contains("damaged"), "\(place): \(text.suffix(300))")
        let found = files(text)
        for (name, count) in acknowledged where found[name] != count { Issue.record("\(place): lost \(name)") }
        let sum = found.values.reduce(0) { $0 + (Int($1) ?? 0) }
        #expect(text.contains("bytes \(sum)\n"), "\(place)")
        let stream = try #require(opendir(folder.file("media")))
        defer { closedir(stream) }
        var names = 0
        while readdir(stream) != nil { names += 1 }
        #expect(names == 2 * found.count + 2, "\(place): files, their facts, and the folder's own two entries")
    }
}
