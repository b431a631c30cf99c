import PolluxCore

enum ClientAddress {
    /// The peer's address; behind a trusted proxy, the last untrusted one of `X-Forwarded-For` (P-7).
    static func of(_ exchange: any HTTPExchange, trusting proxies: [String]) -> String {
        let peer = exchange.peerAddress
        guard !proxies.isEmpty, proxies.contains(peer) else { return peer }
        // Some proxies add a field of their own behind the client's instead of extending it.
        let list = exchange.head.fields.values(of: "x-forwarded-for").joined(separator: ",")
        for item in list.split(separator: ",").reversed() {
            let address = item.drop { $0 == " " }.prefix { $0 != " " }
            guard address.utf8.allSatisfy({ isAddressByte($0) }), (2...45).contains(address.utf8.count) else { break }
            if !proxies.contains(String(address)) { return String(address) }
        }
        return peer
    }

    private static func isAddressByte(_ byte: UInt8) -> Bool {
        (0x30...0x3A).contains(byte) || byte == 0x2E || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }
}
