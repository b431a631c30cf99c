import Glibc
import PolluxCore
import PolluxTesting
import Testing

/// A process that writes to the state folder is killed with SIGKILL, again and again, at moments of no choice: while it
/// writes, while it starts, while it changes its tables, while it turns encryption on or off. What it had acknowledged
/// must be there.
@Suite("The state survives kill -9", .serialized)
struct StateKillTests {
    private enum Phase { case write, start, migrate, encrypt }

    private static let phases: [Phase] = [.write, .write, .start, .migrate, .migrate, .encrypt]

    /// What was acknowledged, over all rounds.
    private struct Acknowledged {
        var keys: Set<String> = []
        var audit: Set<String> = []
        /// Counted up, so that any later value is as good.
        var accounts: [String: Int] = [:]
        var patch = 0

        mutating func read(_ text: String) {
            // A line that the kill has cut was not acknowledged.
            for line in text.split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
                let words = line.split(separator: " ")
                guard words.count >= 2 else { continue }
                switch words[0] {
                case "key": keys.insert(String(words[1]))
                case "audit": audit.insert(String(words[1]))
                case "patch": patch = max(patch, Int(words[1]) ?? 0)
                case "account" where words.count == 3:
                    let id = String(words[1])
                    accounts[id] = max(accounts[id] ?? 0, Int(words[2]) ?? 0)
                default: break
                }
            }
        }

        var count: Int { keys.count + audit.count + accounts.count + patch }

        func missing(in found: Acknowledged) -> [String] {
            var missing = keys.subtracting(found.keys).map { "key \($0)" }
            missing += audit.subtracting(found.audit).map { "audit \($0)" }
            missing += accounts.filter { found.accounts[$0.key] ?? 0 < $0.value }.map { "account \($0)" }
            if found.patch < patch { missing.append("patch \(patch)") }
            return missing
        }
    }

    @Test("60 kills during writes, starts, migrations, encryption: nothing acknowledged is lost, all files are sound")
    func kills() async throws {
        try await BlockingThread.run {
            let seed = getenv("POLLUX_SEED").flatMap { UInt64(String(cString: $0)) } ?? UInt64.random(in: 0...9999)
            let random = SeededRandom(seed: seed)
            let folder = try TemporaryFolder()
            var acknowledged = Acknowledged()
            // One of the release, then one more for each migration that was begun.
            var version = 1
            for round in 0..<60 {
                let phase = Self.phases[round % Self.phases.count]
                let microseconds = UInt32(random.below(60_000))
                try Self.killOne(
                    phase, round, folder.path, &version, after: microseconds, &acknowledged, seed)
                try Self.check(acknowledged, folder.path, version, "seed \(seed), round \(round), \(phase)")
            }
            #expect(acknowledged.count > 100, "the writers had time to write")
            #expect(version > 10)
        }
    }

    private static func killOne(
        _ phase: Phase, _ round: Int, _ folder: String, _ version: inout Int, after microseconds: UInt32,
        _ acknowledged: inout Acknowledged, _ seed: UInt64
    ) throws {
        if phase == .migrate { version += 1 }
        let arguments: [String] =
            switch phase {
            case .write: ["write", folder, String(round), String(version)]
            case .start: ["start", folder, String(version)]
            case .migrate: ["migrate", folder, String(version)]
            case .encrypt: ["encrypt", folder, String(version)]
            }
        let child = try ChildProcess.built("StateHammer", arguments)
        if phase == .write { _ = try child.line(with: "ready") }
        usleep(microseconds)
        child.signal(SIGKILL)
        _ = child.waitForExit()
        let text = child.written
        #expect(!text.contains("failed"), "seed \(seed), round \(round): \(text.suffix(300))")
        acknowledged.read(text)
    }

    private static func check(
        _ acknowledged: Acknowledged, _ folder: String, _ version: Int, _ place: String
    ) throws {
        let child = try ChildProcess.built("StateHammer", ["verify", folder, String(version)])
        _ = child.waitForExit(within: .seconds(30))
        let text = child.written
        #expect(text.hasSuffix("end\n"), "\(place): it starts without help: \(text.suffix(300))")
        #expect(!text.contains("fault"), "\(place): \(text.suffix(300))")
        #expect(text.contains("version \(version)\n"), "\(place): a migration that was cut off was made up for")
        if version > 1 { #expect(text.contains("steps 20000\n"), "\(place): \(text.suffix(300))") }
        var found = Acknowledged()
        found.read(text)
        let missing = acknowledged.missing(in: found)
        #expect(missing.isEmpty, "\(place): lost \(missing.prefix(5))")
    }
}
