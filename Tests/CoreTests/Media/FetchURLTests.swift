import PolluxCore
import Testing

@Suite("URLs that clients name are read once (S-2)")
struct FetchURLTests {
    @Test(
        "what is not a plain http or https URL is refused",
        arguments: [
            "", "ftp://example.org/a", "file:///etc/passwd", "gopher://example.org/", "//example.org/", "example.org",
            "javascript:alert(1)", "data:image/png;base64,AA==", "http:/example.org", "http:example.org", "http://",
            "http:///a", "http://:80/", "https://user@example.org/", "https://user:pw@example.org/",
            "http://example.org\\@127.0.0.1/", "http://a\\b/", "http://example.org/a b", "http://example.org/\u{9}",
            "http://example.org/\r\nHost: x", "http://example.org/\u{0}", " http://example.org/",
            "http://exam ple.org/",
            "http://%31%32%37.0.0.1/", "http://１２７.0.0.1/", "http://example。org/", "http://bücher.example/",
            "http://[::1/", "http://[::1]x/", "http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]/",
            "http://[127.0.0.1]/",
            "http://[]/", "http://a..b/", "http://.a/", "http://a:0/", "http://a:65536/",
            "http://a:99999999999999999999/",
            "http://a:+80/", "http://a:8o/", "http://a:80:80/", "http://exa<mple/", "http://a,b/", "http://a;b/",
        ])
    func refused(_ text: String) {
        #expect(throws: FetchURL.Fault.self) { _ = try FetchURL(text) }
    }

    @Test("spellings of an address pass here: what they lead to is judged at the connection")
    func spellings() throws {
        for host in [
            "127.1", "0", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "a_b.example.org", "xn--bcher-kva.example",
        ] {
            #expect(try FetchURL("http://\(host)/").host == host)
        }
        #expect(try FetchURL("http://[::ffff:127.0.0.1]:8080/").host == "[::ffff:127.0.0.1]")
    }

    @Test("the parts are what is sent, put together again")
    func parts() throws {
        let url = try FetchURL("HTTPS://Images.Example.ORG:8443/a%20b/ü?x=1&y=/?#part")
        #expect(url.isSecure && url.host == "images.example.org" && url.port == 8443)
        #expect(url.text == "https://images.example.org:8443/a%20b/%C3%BC?x=1&y=/?")
        #expect(try FetchURL("http://example.org").text == "http://example.org/")
        #expect(try FetchURL("http://example.org:80?q").text == "http://example.org/?q")
        #expect(try FetchURL("https://example.org:/").text == "https://example.org/")
        #expect(try FetchURL("http://example.org/{a}|\"<>").target == "/%7Ba%7D%7C%22%3C%3E")
    }

    @Test("a URL may have 8 KiB and not a byte more")
    func length() throws {
        let start = "http://example.org/"
        let longest = start + String(repeating: "a", count: FetchURL.maxBytes - start.utf8.count)
        _ = try FetchURL(longest)
        #expect(throws: FetchURL.Fault.self) { _ = try FetchURL(longest + "a") }
    }

    @Test("a redirect leads where RFC 3986 says, by the same rules")
    func redirects() throws {
        let base = try FetchURL("https://example.org/a/b/c?d")
        for (location, expected) in [
            ("https://other.example/x", "https://other.example/x"), ("//other.example/x", "https://other.example/x"),
            ("/x/y?z", "https://example.org/x/y?z"), ("x", "https://example.org/a/b/x"),
            ("../x?y", "https://example.org/a/x?y"), ("../../../x", "https://example.org/x"),
            ("..", "https://example.org/a/"),
            ("./", "https://example.org/a/b/"), ("?x", "https://example.org/a/b/c?x"),
            ("#x", "https://example.org/a/b/c?d"),
            ("x/a:b", "https://example.org/a/b/x/a:b"),
        ] {
            #expect(try base.following(location).text == expected, "\(location)")
        }
        for location in [
            "ftp://example.org/", "http://user@example.org/", "/a b", "//", "javascript:1", "//a\\b", "https:x",
        ] {
            #expect(throws: FetchURL.Fault.self, "\(location)") { _ = try base.following(location) }
        }
    }

    @Test("the last piece of the path names the file")
    func fileName() throws {
        #expect(try FetchURL("http://a/b/c%20d.png?x=/y.pdf").fileName == "c d.png")
        #expect(try FetchURL("http://a/b/").fileName == "")
        #expect(try FetchURL("http://a/%2e%2e%2fpasswd").fileName == "../passwd")
        #expect(try FetchURL("http://a/%4").fileName == "%4")
    }

    @Test("hosts of the operator's list are a host and a port")
    func allowedHosts() {
        #expect(FetchHost("Images.example.org:443") == FetchHost("images.example.org.:443"))
        #expect(FetchHost("[0:0::1]:80") == FetchHost("[::1]:80"))
        for text in [
            "example.org", "example.org:", ":80", "[::1]", "a b:80", "http://a:80", "a:80/", "a@b:80", "a:80?",
        ] {
            #expect(FetchHost(text) == nil, "\(text)")
        }
    }
}
