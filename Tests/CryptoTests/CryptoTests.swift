import PolluxCore
import PolluxCrypto
import Testing

@Suite("Crypto")
struct CryptoTests {
    @Test(
        "SHA-256 of known texts",
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ])
    func sha256(_ text: String, _ digest: String) {
        #expect(hex(SHA256.hash(Array(text.utf8))) == digest)
    }

    @Test("HMAC-SHA256: cases 1, 2 and 6 of RFC 4231, and an empty key")
    func hmac() {
        #expect(
            hex(HMACSHA256.authenticate(Array("Hi There".utf8), key: [UInt8](repeating: 0x0B, count: 20)))
                == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        #expect(
            hex(HMACSHA256.authenticate(Array("what do ya want for nothing?".utf8), key: Array("Jefe".utf8)))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        let longText = "Test Using Larger Than Block-Size Key - Hash Key First"
        #expect(
            hex(HMACSHA256.authenticate(Array(longText.utf8), key: [UInt8](repeating: 0xAA, count: 131)))
                == "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")
        #expect(
            hex(HMACSHA256.authenticate([], key: []))
                == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad")
    }

    /// Gemini Business protocol notes, section 3.2.
    @Test("the token vector of the Business protocol: key decoding, encoding and signature agree")
    func businessTokenVector() throws {
        let key = try Base64.decode("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", .urlSafe)
        #expect(key == Array(0...31))
        let header = #"{"alg":"HS256","typ":"JWT","kid":"sim-key-0001"}"#
        let payload =
            #"{"iss":"https://business.gemini.google","aud":"https://biz-discoveryengine.googleapis.com","#
            + #""sub":"csesidx/498000001","iat":1767225600,"exp":1767225900,"nbf":1767225600}"#
        let signed = Base64.encode(Array(header.utf8), .urlSafe) + "." + Base64.encode(Array(payload.utf8), .urlSafe)
        #expect(signed.hasPrefix("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InNpbS1rZXktMDAwMSJ9.eyJpc3MiOiJo"))
        let signature = HMACSHA256.authenticate(Array(signed.utf8), key: key)
        #expect(Base64.encode(signature, .urlSafe) == "5ga8jJ-HYyMMmMpzLxXO3PZhDxHTOljuATKHQL3s6iQ")
    }

    @Test("equality of secrets")
    func constantTime() {
        #expect(ConstantTime.areEqual([], []))
        #expect(ConstantTime.areEqual([1, 2, 3], [1, 2, 3]))
        #expect(!ConstantTime.areEqual([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.areEqual([1, 2, 3], [1, 2]))
    }

    @Test("random bytes have the asked length and do not repeat")
    func random() throws {
        #expect(try SecureRandom.bytes(0) == [])
        #expect(try SecureRandom.bytes(32).count == 32)
        #expect(try SecureRandom.bytes(32) != SecureRandom.bytes(32))
        #expect(throws: GatewayError.self) { try SecureRandom.bytes(-1) }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

@Suite("Accounts named after their keys")
struct KeyAccountsTests {
    @Test("each key is one account, whose name stays when keys change places and shows nothing of the key")
    func names() {
        let accounts = Credential.accounts(ofKeys: [Secret("a"), Secret("b"), Secret("a")])
        #expect(accounts.map(\.accountID) == ["key-ca978112", "key-3e23e816"])
        #expect(
            Credential.accounts(ofKeys: [Secret("b"), Secret("a")]).map(\.accountID) == [
                "key-3e23e816", "key-ca978112",
            ])
        #expect(accounts.first?["api_key"]?.reveal() == "a")
    }
}
