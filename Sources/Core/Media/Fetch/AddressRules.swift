/// Which addresses may be asked on behalf of a client (reliability requirement S-3): public ones, and none of our own.
///
/// Only the address that a name was resolved to is judged, whatever the name looked like: `127.1`, `0x7f.1` and a name
/// that leads to 127.0.0.1 are all the same here.
public struct AddressRules: Sendable {
    /// The operator's own.
    private let denied: [CIDR]
    /// Those of the gateway's own interfaces.
    private let own: Set<IPAddress>

    public init(denied: [CIDR] = [], own: Set<IPAddress> = []) {
        self.denied = denied
        self.own = Set(own.map(\.unmapped))
    }

    /// - Returns: Why an address is not asked, for the log; `nil` when it may be.
    public func reasonToRefuse(_ address: IPAddress) -> String? {
        // A system without IPv6 of its own still reaches IPv4 by the mapped form: what is within is what is reached.
        let address = address.unmapped
        if own.contains(address) { return "an address of the gateway itself" }
        if Self.notPublic.contains(where: { $0.contains(address) }) { return "not a public address" }
        if denied.contains(where: { $0.contains(address) }) { return "within media.deny_cidrs" }
        return nil
    }

    func isOwn(_ address: IPAddress) -> Bool { own.contains(address.unmapped) }

    /// Everything that IANA's registries of special addresses do not call globally reachable, and the forms of IPv6
    /// that carry an IPv4 address past a filter: IPv4-compatible, NAT64, Teredo, 6to4.
    static let notPublic: [CIDR] =
        ([
            (0x0000_0000, 8),  // 0/8, this network
            (0x0A00_0000, 8),  // 10/8
            (0x6440_0000, 10),  // 100.64/10, carriers
            (0x7F00_0000, 8),  // 127/8, loopback
            (0xA9FE_0000, 16),  // 169.254/16, link-local, and the metadata of clouds
            (0xAC10_0000, 12),  // 172.16/12
            (0xC000_0000, 24),  // 192.0.0/24
            (0xC000_0200, 24),  // 192.0.2/24, documentation
            (0xC058_6300, 24),  // 192.88.99/24, relays of 6to4
            (0xC0A8_0000, 16),  // 192.168/16
            (0xC612_0000, 15),  // 198.18/15, benchmarks
            (0xC633_6400, 24),  // 198.51.100/24, documentation
            (0xCB00_7100, 24),  // 203.0.113/24, documentation
            (0xE000_0000, 4),  // 224/4, multicast
            (0xF000_0000, 4),  // 240/4, reserved, and broadcast
        ] as [(UInt32, Int)]).map { CIDR(.v4($0.0), $0.1) }
        + ([
            (0, 96),  // ::, ::1, and the IPv4-compatible form
            (0xFFFF << 32, 96),  // ::ffff:0:0/96; judged by what is within before it comes here
            (0x0064_FF9B << 96, 96),  // 64:ff9b::/96, NAT64
            (0x0064_FF9B_0001 << 80, 48),  // 64:ff9b:1::/48, NAT64 of a site
            (0x0100 << 112, 64),  // 100::/64, discard
            (0x2001 << 112, 23),  // 2001::/23, Teredo and other protocols
            (0x2001_0DB8 << 96, 32),  // 2001:db8::/32, documentation
            (0x2002 << 112, 16),  // 2002::/16, 6to4
            (0x3FFF << 112, 20),  // 3fff::/20, documentation
            (0xFC00 << 112, 7),  // fc00::/7, unique local
            (0xFE80 << 112, 10),  // fe80::/10, link-local
            (0xFEC0 << 112, 10),  // fec0::/10, site-local
            (0xFF00 << 112, 8),  // ff00::/8, multicast
        ] as [(UInt128, Int)]).map { CIDR(.v6($0.0), $0.1) }
}

/// What a connection of one fetch may lead to.
public struct AddressJudge: Sendable {
    private let rules: AddressRules
    /// The operator named the host: its address may be any.
    private let isExempt: Bool
    /// Where the gateway itself listens: even an operator's exception would let a request ask the gateway in a ring.
    private let ownPorts: Set<Int>

    public init(_ rules: AddressRules, isExempt: Bool = false, ownPorts: Set<Int> = []) {
        (self.rules, self.isExempt, self.ownPorts) = (rules, isExempt, ownPorts)
    }

    /// - Returns: Why there must be no connection, for the log; `nil` when there may be one.
    public func reasonToRefuse(_ address: IPAddress, port: Int) -> String? {
        if ownPorts.contains(port), rules.isOwn(address) || Self.isLoopback(address) {
            return "the gateway's own listening port"
        }
        return isExempt ? nil : rules.reasonToRefuse(address)
    }

    private static func isLoopback(_ address: IPAddress) -> Bool {
        switch address.unmapped {
        // 0.0.0.0 and :: connect to the machine itself as well.
        case .v4(let number): number >> 24 == 127 || number == 0
        case .v6(let number): number <= 1
        }
    }
}
