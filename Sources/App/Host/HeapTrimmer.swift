import CSystem
import PolluxCore
import Synchronization

/// Returns freed memory to the system after bursts: glibc keeps it otherwise, which looks like a leak.
struct HeapTrimmer: Service {
    let load: GatewayLoad
    let time: any TimeSource
    let worker: any TaskExecutor

    private static let interval = Duration.seconds(30)
    /// Above this, the gateway is busy and memory will be used again soon.
    private static let quietInFlight = 8

    func run() async throws {
        var served = load.served.load(ordering: .relaxed)
        while true {
            try await time.sleep(until: time.now + Self.interval)
            let now = load.served.load(ordering: .relaxed)
            guard now != served, load.inFlight.load(ordering: .relaxed) < Self.quietInFlight else { continue }
            served = now
            await withTaskExecutorPreference(worker) { await Self.trim() }
        }
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func trim() async { csystem_trim_heap() }
}
