import Glibc
import PolluxTransport
import Testing

@Suite("Process setup")
struct ProcessSetupTests {
    @Test("the limit of open files is raised to the most allowed")
    func descriptors() throws {
        let reached = try ProcessSetup.raiseDescriptorLimit()
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        #expect(reached >= 256 && limit.rlim_cur == limit.rlim_max)
    }

    @Test("writing to a closed pipe is an error, not the end")
    func brokenPipe() {
        ProcessSetup.ignoreBrokenPipes()
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        #expect(write(ends[1], "x", 1) == -1 && errno == EPIPE)
        close(ends[1])
    }
}
