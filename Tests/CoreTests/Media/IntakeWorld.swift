import PolluxCore
import PolluxTesting
import Synchronization

/// An intake over hosts in memory.
struct IntakeWorld {
    let transport: FakeUntrustedTransport
    let time = ManualTime()
    let log = IntakeLog()
    let intake: GuardedIntake
    private let counts = Counts()

    init(
        _ rules: FetchRules = FetchRules(.public), addresses: [String: IPAddress] = [:],
        own: GuardedIntake.OwnFiles? = nil, _ answer: @escaping FakeTransport.Answer
    ) {
        transport = FakeUntrustedTransport(addresses: addresses, answer)
        intake = GuardedIntake(
            transport, time: time, log: Logger(level: .info, sink: log), own: own, rules: { rules },
            count: { [counts] in counts.add($0) })
    }

    /// Every URL is answered with the same.
    init(_ response: FakeResponse) {
        self.init { (_) throws(GatewayError) in response }
    }

    var results: [FetchResult] { counts.all }

    func take(_ urls: String..., for purpose: MediaPurpose = .image) async throws(GatewayError) -> [TakenMedia] {
        try await intake.take(urls.map { Media(.image, mimeType: "", .url($0)) }, for: purpose)
    }

    func failure(_ url: String, for purpose: MediaPurpose = .image) async -> GatewayError? {
        do throws(GatewayError) {
            _ = try await take(url, for: purpose)
            return nil
        } catch {
            return error
        }
    }

    func failure(_ media: [Media], for purpose: MediaPurpose = .image) async -> GatewayError? {
        do throws(GatewayError) {
            _ = try await intake.take(media, for: purpose)
            return nil
        } catch {
            return error
        }
    }

    private final class Counts: Sendable {
        private let results = Mutex<[FetchResult]>([])
        var all: [FetchResult] { results.withLock { $0 } }
        func add(_ result: FetchResult) { results.withLock { $0.append(result) } }
    }
}

extension FakeResponse {
    static func file(_ bytes: [UInt8], type: String = "") -> FakeResponse {
        FakeResponse(fields: type.isEmpty ? [:] : ["content-type": type], pieces: [bytes])
    }
    static func redirect(_ location: String, status: Int = 302) -> FakeResponse {
        FakeResponse(status, fields: ["location": location], text: "moved")
    }
}

final class IntakeLog: LogSink {
    private let kept = Mutex<[LogRecord]>([])
    func write(_ record: LogRecord) { kept.withLock { $0.append(record) } }
    var records: [LogRecord] { kept.withLock { $0 } }
}
