import PolluxCore
import PolluxTesting
import Testing

@Suite("Addresses that are never asked for a client (S-3)")
struct AddressRulesTests {
    private static let ranges4 = [
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
    ]
    private static let ranges6 = [
        "::/128", "::1/128", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32",
        "2002::/16", "3fff::/20", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    ]

    @Test("every IPv4 range is refused from its first address to its last, and not beyond", arguments: ranges4)
    func version4(_ range: String) throws {
        let (first, last) = try bounds4(range)
        for number in [first, first &+ 1, last &- 1, last] {
            #expect(AddressRules().reasonToRefuse(.v4(number)) != nil)
            // The same address in IPv6's clothes.
            #expect(AddressRules().reasonToRefuse(.v6(0xFFFF << 32 | UInt128(number))) != nil)
            #expect(AddressRules().reasonToRefuse(.v6(0x0064_FF9B << 96 | UInt128(number))) != nil)
            #expect(AddressRules().reasonToRefuse(.v6(UInt128(number))) != nil)
        }
        let others = try Self.ranges4.filter { $0 != range }.map(bounds4)
        for number in [first &- 1, last &+ 1] where !others.contains(where: { $0.0 <= number && number <= $0.1 }) {
            #expect(AddressRules().reasonToRefuse(.v4(number)) == nil)
            #expect(AddressRules().reasonToRefuse(.v6(0xFFFF << 32 | UInt128(number))) == nil)
        }
    }

    @Test("every IPv6 range is refused from its first address to its last", arguments: ranges6)
    func version6(_ range: String) throws {
        let cidr = try #require(CIDR(range))
        guard case .v6(let first) = cidr.first else {
            Issue.record("\(range) is not IPv6")
            return
        }
        let last = first | (cidr.prefixLength == 0 ? .max : (UInt128.max >> UInt128(cidr.prefixLength)))
        #expect(AddressRules().reasonToRefuse(.v6(first)) != nil)
        let isLast = cidr.prefixLength < 128 ? AddressRules().reasonToRefuse(.v6(last)) != nil : true
        #expect(isLast)
    }

    @Test("single addresses that matter most, as they are written")
    func examples() throws {
        for text in [
            "127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1", "192.168.1.1", "255.255.255.255", "::1", "::",
            "::ffff:127.0.0.1", "::ffff:7f00:1", "::127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::", "fe80::1", "fd00:ec2::254", "ff02::1", "2001:0:7f00:1::",
        ] {
            let address = try #require(IPAddress(text), "\(text)")
            #expect(AddressRules().reasonToRefuse(address) != nil, "\(text)")
        }
        for text in ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"] {
            let address = try #require(IPAddress(text), "\(text)")
            #expect(AddressRules().reasonToRefuse(address) == nil, "\(text)")
        }
    }

    @Test("own addresses and the operator's ranges are refused, public as they are, in either form")
    func ownAndDenied() throws {
        let own = try #require(IPAddress("93.184.216.34"))
        let denied = try #require(CIDR("1.2.0.0/16"))
        let rules = AddressRules(denied: [denied], own: [own])
        for text in ["93.184.216.34", "::ffff:93.184.216.34", "1.2.3.4", "::ffff:1.2.3.4"] {
            let address = try #require(IPAddress(text))
            #expect(rules.reasonToRefuse(address) != nil, "\(text)")
        }
        #expect(rules.reasonToRefuse(.v4(0x0103_0304)) == nil)
    }

    @Test("an exception of the operator's opens any address, but never the gateway's own listening port")
    func exception() {
        let judge = AddressJudge(AddressRules(own: [.v4(0x5DB8_D822)]), isExempt: true, ownPorts: [7860])
        #expect(judge.reasonToRefuse(.v4(0x7F00_0001), port: 9000) == nil)
        #expect(judge.reasonToRefuse(.v4(0x5DB8_D822), port: 443) == nil)
        for address: IPAddress in [.v4(0x7F00_0001), .v4(0), .v6(1), .v6(0), .v6(0xFFFF_7F00_0001), .v4(0x5DB8_D822)] {
            #expect(judge.reasonToRefuse(address, port: 7860) != nil)
        }
        #expect(judge.reasonToRefuse(.v4(0x0808_0808), port: 7860) == nil)
    }

    @Test("addresses and ranges are read strictly")
    func reading() {
        for text in [
            "", "1", "127.1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.256", "1.2.3.", "0x7f.0.0.1", " 1.2.3.4",
            "１.2.3.4", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::1::", "1::2::3", "12345::", "::g", "[::1]",
            "fe80::1%eth0",
            "1:2:3:4:5:6:7::8", ":1", "1.2.3.4::", "::1.2.3", "+1::", ":::",
        ] { #expect(IPAddress(text) == nil, "\(text)") }
        #expect(IPAddress("::ffff:1.2.3.4") == .v6(0xFFFF_0102_0304))
        #expect(IPAddress("1:2:3:4:5:6:7:8") == .v6(0x0001_0002_0003_0004_0005_0006_0007_0008))
        #expect(IPAddress("2001:DB8::") == .v6(0x2001_0DB8 << 96))
        for text in ["1.2.3.4/33", "::/129", "1.2.3.4/", "1.2.3.4/+8", "1.2.3.4/8/8", "/8", "x/8", "1.2.3.4/08888"] {
            #expect(CIDR(text) == nil, "\(text)")
        }
        #expect(CIDR("10.1.2.3/8")?.first == .v4(0x0A00_0000))
        #expect(CIDR("0.0.0.0/0")?.contains(.v4(.max)) == true)
        #expect(CIDR("::/0")?.contains(.v4(1)) == false)
        #expect(CIDR("192.0.2.7")?.prefixLength == 32)
    }

    private func bounds4(_ range: String) throws -> (UInt32, UInt32) {
        let cidr = try #require(CIDR(range))
        var first: UInt32?
        if case .v4(let number) = cidr.first { first = number }
        let start = try #require(first)
        return (start, start | (UInt32.max >> UInt32(cidr.prefixLength)))
    }
}
