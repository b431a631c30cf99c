import PolluxCore
import Testing

@Suite("Addresses in settings")
struct AddressTests {
    @Test(
        "host:port is read and written back",
        arguments: [
            ("127.0.0.1:7860", "127.0.0.1", 7860), ("localhost:0", "localhost", 0), ("[::1]:0", "::1", 0),
            ("0.0.0.0:65535", "0.0.0.0", 65_535), ("[2001:db8::a:1]:80", "2001:db8::a:1", 80),
            ("[::ffff:10.0.0.1]:80", "::ffff:10.0.0.1", 80), ("[1:2:3:4:5:6:7:8]:80", "1:2:3:4:5:6:7:8", 80),
            ("my_host-1.lan:8080", "my_host-1.lan", 8080),
        ])
    func readable(_ text: String, _ host: String, _ port: Int) {
        let address = ListenAddress(text)
        #expect(address?.host == host)
        #expect(address?.port == port)
        #expect(address?.description == text)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ":7860", "7860", "localhost", "localhost:", "localhost:65536", "localhost:-1", "localhost:080",
            "localhost:7860 ", "::1:80", "[::1]", "[::1:80", "[]:80", "[:::]:80", "[1:2:3]:80", "[g::1]:80",
            "[1:2:3:4:5:6:7:8:9]:80", "256.0.0.1:80", "1.2.3:80", "a..b:80", "http://a:80", "[::1]80", "*:80",
            "[:1:2:3:4:5:6:7]:80", "[1:2:3:4:5:6:7:]:80", "[1::2::3]:80", "[1::2:]:80", "[:1::2]:80",
            "[1:2:3:4:5:6:7::8]:80",
        ])
    func unreadable(_ text: String) {
        #expect(ListenAddress(text) == nil)
    }

    @Test("loopback is 127/8, ::1 and localhost")
    func loopback() {
        #expect(ListenAddress("127.1.2.3:1")?.isLoopback == true)
        #expect(ListenAddress("[::1]:1")?.isLoopback == true)
        #expect(ListenAddress("localhost:1")?.isLoopback == true)
        #expect(ListenAddress("127.example.org:1")?.isLoopback == false)
        #expect(ListenAddress("0.0.0.0:1")?.isLoopback == false)
    }

    @Test(
        "base URLs lose the slashes at their end",
        arguments: [
            ("https://a.example/v1//", "https://a.example/v1"), ("HTTP://127.0.0.1:11434", "http://127.0.0.1:11434"),
            ("http://[::1]:8080/x/", "http://[::1]:8080/x"), ("https://a.example/", "https://a.example"),
        ])
    func baseURL(_ text: String, _ expected: String) {
        let (value, messages) = Nodes.read(.url(), Nodes.text(text), default: "")
        #expect(value == expected)
        #expect(messages.isEmpty)
    }

    @Test("a proxy may carry a password, which no message shows")
    func proxy() {
        let type = SettingsType<String>.url(schemes: ["http", "socks5", "socks5h"], allowsUserInfo: true)
        let good = Nodes.read(type, Nodes.text("socks5h://me:hunter2@proxy.example:1080"), default: "")
        #expect(good.value == "socks5h://me:hunter2@proxy.example:1080")
        for text in ["ftp://me:hunter2@proxy.example", "http://me:hunter2@", "http://me:hunter2@p:0", "http://@h?x"] {
            let (_, messages) = Nodes.read(type, Nodes.text(text), default: "")
            #expect(messages.count == 1)
            #expect(!messages.joined().contains("hunter2"))
        }
    }
}
