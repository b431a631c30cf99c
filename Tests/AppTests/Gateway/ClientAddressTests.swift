import PolluxCore
import Testing

@testable import PolluxApp

@Suite("The client's address (P-7)")
struct ClientAddressTests {
    private func address(
        _ fields: HTTPFields, peer: String = "10.0.0.1", trusting: [String] = ["10.0.0.1", "10.0.0.2"]
    )
        -> String
    {
        ClientAddress.of(FakeExchange(fields: fields, peer: peer), trusting: trusting)
    }

    @Test("a header of a peer that nobody trusts is passed over")
    func untrusted() {
        #expect(address(["x-forwarded-for": "1.2.3.4"], peer: "192.0.2.9") == "192.0.2.9")
        #expect(address(["x-forwarded-for": "1.2.3.4"], trusting: []) == "10.0.0.1")
    }

    @Test(
        "behind trusted proxies the last address that is none of theirs counts",
        arguments: [
            ("1.2.3.4", "1.2.3.4"), ("9.9.9.9, 1.2.3.4", "1.2.3.4"), ("9.9.9.9,1.2.3.4,10.0.0.2", "1.2.3.4"),
            ("2001:db8::1", "2001:db8::1"), ("1.2.3.4, 10.0.0.2, 10.0.0.1", "1.2.3.4"), ("10.0.0.2", "10.0.0.1"),
            ("", "10.0.0.1"), ("1.2.3.4, evil\"name", "10.0.0.1"), ("1.2.3.4, unknown", "10.0.0.1"),
            ("  1.2.3.4  ", "1.2.3.4"), ("1.2.3.4, " + String(repeating: "1", count: 46), "10.0.0.1"),
        ])
    func forwarded(value: String, expected: String) {
        #expect(address(["x-forwarded-for": value]) == expected)
    }

    @Test("a field that the client sent itself does not hide the one its proxy added behind it")
    func severalFields() {
        #expect(address(["x-forwarded-for": "6.6.6.6", "x-forwarded-for": "1.2.3.4"]) == "1.2.3.4")
        #expect(address(["x-forwarded-for": "6.6.6.6", "x-forwarded-for": "1.2.3.4, 10.0.0.2"]) == "1.2.3.4")
    }
}
