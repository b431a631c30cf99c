import CSystem
import Glibc
import Testing

/// Measured on a gateway in a process of its own, so that neither the clients nor the simulator count.
@Suite("Memory of many streams", .serialized)
struct MemoryTests {
    /// `POLLUX_LONG=1` (`make test-all`) takes the full number.
    private static let isLong = getenv("POLLUX_LONG") != nil
    private static let idleStreams = isLong ? 5000 : 1000
    /// In KiB. The bar of 64 is one for the optimized program; without optimization, frames and boxes are larger.
    private static let idleStreamLimit = ChildProcess.otherBinary == nil && _isDebugAssertConfiguration() ? 80 : 64

    @Test("an idle stream costs at most 64 KiB (80 without optimization)")
    func idleStreams() async throws {
        try await BlockingThread.run {
            let child = try Self.start()
            let before = try Self.warmUp(child)
            let clients = try Self.openStreams(child, count: Self.idleStreams, prompt: "[[sim:stall=1]] hello")
            let perStream = (child.gateway.residentKiB - before) / clients.count
            Measured.note("idle streams: \(clients.count), \(perStream) KiB each")
            #expect(perStream <= Self.idleStreamLimit)
            #expect(try child.get("/healthz").status == 200)
            for client in clients { client.close() }
        }
    }

    /// Requirement R-3 allows 1 MiB for a stream; H-12 allows 256 KiB of unsent bytes.
    @Test("1,000 readers that stop reading an endless stream cost at most 1 MiB each")
    func slowReaders() async throws {
        try await BlockingThread.run {
            let child = try Self.start()
            let before = try Self.warmUp(child)
            let clients = try Self.openStreams(
                child, count: 1000, prompt: "[[sim:endless]] hello", receiveBuffer: 4096)
            let peak = Self.settledMemory(of: child)
            let perStream = (peak - before) / clients.count
            Measured.note("slow readers: \(clients.count), \(perStream) KiB each, \(peak / 1024) MiB in all")
            #expect(perStream <= 1024)
            #expect(try child.get("/healthz").status == 200)
            for client in clients { client.close() }
        }
    }

    @Test("F-13: an answer without end is cut at 128 MiB, and costs less than twice that", .enabled(if: isLong))
    func endlessAnswer() async throws {
        try await BlockingThread.run {
            let child = try Self.start()
            let before = try Self.warmUp(child)
            let client = try child.startChat("[[sim:endless]] hello", stream: false)
            var peak = 0
            var reply: Reply?
            let isOver = try eventually(within: .seconds(120)) {
                peak = max(peak, child.gateway.residentKiB)
                if try client.hasBytes(within: .milliseconds(1)) { reply = try client.reply() }
                return reply != nil
            }
            #expect(isOver)
            #expect(reply?.errorCode == "upstream_too_large")
            Measured.note("endless answer: \((peak - before) / 1024) MiB")
            #expect(peak - before < 2 * 128 * 1024)
        }
    }
}

extension MemoryTests {
    private static func start() throws -> ChildGateway {
        raiseDescriptorLimit()
        return try ChildGateway(
            server: ", max_connections: 20000, max_in_flight: 20000, write_timeout: 300s",
            local: ", pool: {max_in_flight: 20000}, timeouts: {first_byte: 120s, gap: 300s, attempt: 600s}",
            topLevel: "retry: {max_retries: 0}")
    }

    /// Some requests, so that what is made once is made.
    ///
    /// - Returns: The gateway's resident memory in KiB.
    private static func warmUp(_ child: ChildGateway) throws -> Int {
        for _ in 0..<50 {
            let reply = try child.startChat("hello").reply()
            guard reply.status == 200 else { throw TestFailure("warm-up: \(reply.text)") }
        }
        return child.gateway.residentKiB
    }

    /// Opens streams by the hundred and reads the beginning of each.
    private static func openStreams(
        _ child: ChildGateway, count: Int, prompt: String, receiveBuffer: Int32? = nil
    ) throws -> [RawClient] {
        var clients: [RawClient] = []
        while clients.count < count {
            let more = try (0..<min(100, count - clients.count)).map { _ in
                try child.startChat(prompt, receiveBuffer: receiveBuffer)
            }
            for client in more {
                let head = try client.head(.within(.seconds(30)))
                guard head.status == 200, try client.piece() != nil else {
                    throw TestFailure("stream \(clients.count) was answered with \(head.status)")
                }
            }
            clients += more
        }
        return clients
    }

    /// Memory once it has stopped growing for a second, or the largest after 15 seconds, in KiB.
    private static func settledMemory(of child: ChildGateway) -> Int {
        var peak = 0
        var lastGrowth = ContinuousClock.now
        _ = eventually(within: .seconds(15)) {
            let now = child.gateway.residentKiB
            if now > peak + peak / 100 {
                peak = now
                lastGrowth = ContinuousClock.now
            }
            return ContinuousClock.now - lastGrowth > .seconds(1)
        }
        return max(peak, child.gateway.residentKiB)
    }

    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        guard getrlimit(files, &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(files, &limit)
    }
}

/// Figures for the reader of a test run.
enum Measured {
    static func note(_ text: String) {
        let line = Array("measured: \(text)\n".utf8)
        _ = write(2, line, line.count)
    }
}
