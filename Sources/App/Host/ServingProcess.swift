import CSystem
import Glibc
import PolluxCore
import PolluxTransport

/// What the process must be before it serves (reliability requirements L-5 and "Descriptors").
enum ServingProcess {
    /// Files for this user alone, no core dumps, no death by a closed socket, all the descriptors there may be.
    ///
    /// - Returns: A warning when the descriptors will not do for what the settings allow.
    /// - Throws: `internalError` when the system allows too few descriptors.
    static func prepare(_ settings: ServerSettings) throws(GatewayError) -> String? {
        umask(0o077)
        ProcessSetup.ignoreBrokenPipes()
        csystem_hide_memory()
        // One for each loop, one for the main thread and one for the workers.
        csystem_limit_heaps(Int32(settings.loops == 0 ? LoopGroup.defaultCount : settings.loops) + 2)
        let limit = try ProcessSetup.raiseDescriptorLimit()
        let wanted = settings.maxConnections + 2 * settings.maxInFlight + 64
        guard limit < wanted else { return nil }
        return "\(limit) files may be open at once, but server.max_connections and max_in_flight ask for \(wanted);"
            + " raise the limit (LimitNOFILE, ulimit -n) or lower them"
    }
}
