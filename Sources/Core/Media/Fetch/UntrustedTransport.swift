/// Connects to hosts that clients name. Only `GuardedIntake` has one.
public protocol UntrustedTransport: Sendable {
    /// Sends one GET without credentials and returns once the head of the answer is there. Follows nothing.
    ///
    /// - Throws: As `HTTPTransport.send`; with kind `permission` when the judge let no address of the host through.
    func get(_ request: UntrustedRequest) async throws(GatewayError) -> UpstreamResponse
}

/// One connection to a host that a client named.
public struct UntrustedRequest: Sendable {
    public let url: FetchURL
    public let deadlines: TransferDeadlines
    /// Over it the transfer fails with `upstreamTooLarge`, whatever `content-length` says.
    public let maxBytes: Int
    /// Asked about each address just before a connection to it.
    public let judge: AddressJudge

    public init(_ url: FetchURL, deadlines: TransferDeadlines, maxBytes: Int, judge: AddressJudge) {
        (self.url, self.deadlines, self.maxBytes, self.judge) = (url, deadlines, maxBytes, judge)
    }
}

/// What the operator lets be fetched, and what the gateway knows of itself.
public struct FetchRules: Sendable {
    public enum Mode: String, CaseIterable, Sendable {
        /// Nothing.
        case off
        /// Public addresses, and the allowed hosts.
        case `public`
        /// The allowed hosts alone.
        case allowList = "allow_list"
    }

    public var mode: Mode
    /// May have any address. They widen neither schemes nor sizes nor times.
    public var allowedHosts: Set<FetchHost>
    public var denied: [CIDR]
    public var ownAddresses: Set<IPAddress>
    public var ownPorts: Set<Int>

    public init(
        _ mode: Mode, allowedHosts: Set<FetchHost> = [], denied: [CIDR] = [], ownAddresses: Set<IPAddress> = [],
        ownPorts: Set<Int> = []
    ) {
        (self.mode, self.allowedHosts, self.denied) = (mode, allowedHosts, denied)
        (self.ownAddresses, self.ownPorts) = (ownAddresses, ownPorts)
    }

    /// - Returns: `nil` when the host may not be asked whatever its address.
    func judge(for url: FetchURL) -> AddressJudge? {
        let isAllowed = allowedHosts.contains(FetchHost(url))
        guard isAllowed ? mode != .off : mode == .public else { return nil }
        return AddressJudge(
            AddressRules(denied: denied, own: ownAddresses), isExempt: isAllowed, ownPorts: ownPorts)
    }
}

/// How a fetch ended; bounded, for `pollux_untrusted_fetch_total`.
public enum FetchResult: String, CaseIterable, Sendable {
    case ok
    /// The URL itself, or a host that the settings do not let be asked.
    case refusedURL = "refused_url"
    case refusedAddress = "refused_address"
    /// Too many, to nowhere, or from https to http.
    case redirect
    case tooLarge = "too_large"
    case timeout
    case unreachable
    case badStatus = "bad_status"
    /// Bytes that are not what was named, or nothing that is known.
    case badType = "bad_type"
}
