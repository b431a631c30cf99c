import CSystem
import Glibc
public import PolluxCore

/// What a process sets up once, before its first socket.
public enum ProcessSetup {
    /// Below this, the gateway could not hold its files and a handful of connections.
    private static let fewestDescriptors = 256

    /// Lets writing to a closed connection fail with an error instead of ending the process.
    public static func ignoreBrokenPipes() { csystem_ignore_broken_pipes() }

    /// Raises the limit of open descriptors to the most that this process may have.
    ///
    /// - Returns: The limit, for a comparison with what the settings ask for: connections + 2 × requests in flight +
    ///   64.
    /// - Throws: `internalError` below 256; the message says what to do.
    @discardableResult
    public static func raiseDescriptorLimit() throws(GatewayError) -> Int {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0 else { throw .system("cannot read the limit of open files") }
        let before = limit.rlim_cur
        limit.rlim_cur = limit.rlim_max
        let reached = setrlimit(resource, &limit) == 0 ? limit.rlim_max : before
        guard reached >= fewestDescriptors else {
            throw GatewayError(
                .internalError, .endpoint,
                "only \(reached) files may be open at once; raise the limit (ulimit -n) to \(fewestDescriptors) or more"
            )
        }
        return Int(clamping: reached)
    }
}
