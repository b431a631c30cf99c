import CSystem
import PolluxCore
import Synchronization

/// Returns freed memory to the system after bursts: glibc keeps it otherwise, which looks like a leak.
struct HeapTrimmer: Service {
    let gateway: Gateway
    let worker: any TaskExecutor

    private static let interval = Duration.seconds(30)
    /// Above this, the gateway is busy and memory will be used again soon.
    private static let quietInFlight = 8

    func run() async throws {
        var served = gateway.served.load(ordering: .relaxed)
        while true {
            try await gateway.time.sleep(until: gateway.time.now + Self.interval)
            let now = gateway.served.load(ordering: .relaxed)
            guard now != served, gateway.inFlight.load(ordering: .relaxed) < Self.quietInFlight else { continue }
            served = now
            await withTaskExecutorPreference(worker) { await Self.trim() }
        }
    }

    /// Async, so that it runs on the executor that the caller prefers.
    private static func trim() async { csystem_trim_heap() }
}
