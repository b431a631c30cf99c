import PolluxCore
import PolluxRedis
import Testing

@Suite("Addresses of Redis")
struct RedisAddressTests {
    @Test(
        "an address names the place, who asks, and the database",
        arguments: [
            ("redis://localhost", RedisAddress(.tcp(host: "localhost", port: 6379))),
            ("redis://10.0.0.7:7000/3", RedisAddress(.tcp(host: "10.0.0.7", port: 7000), database: 3)),
            ("redis://[::1]:6380/", RedisAddress(.tcp(host: "::1", port: 6380))),
            (
                "redis://:p%40ss%3A%2f@host/1",
                RedisAddress(.tcp(host: "host", port: 6379), password: Secret("p@ss:/"), database: 1)
            ),
            (
                "redis://limits:a@b@host",
                RedisAddress(.tcp(host: "host", port: 6379), user: "limits", password: Secret("a@b"))
            ),
            ("unix:///run/redis.sock", RedisAddress(.unix(path: "/run/redis.sock"))),
            (
                "unix://:word@/run/redis.sock?db=2",
                RedisAddress(.unix(path: "/run/redis.sock"), password: Secret("word"), database: 2)
            ),
        ])
    func good(_ text: String, _ address: RedisAddress) throws {
        let parsed = try RedisAddress(Secret(text))
        #expect(parsed == address)
        if let password = parsed.password { #expect(!parsed.shown.contains(password.reveal())) }
    }

    @Test(
        "what is no address is refused with the way out, and never repeated: it may hold a password",
        arguments: [
            ("rediss://:hunter22@host", "TLS to Redis is not supported"), ("hunter22", "this is no address of Redis"),
            ("redis://", "the host's name is missing"), ("redis://hunter22@host", "in front of @"),
            ("redis://:@host", "in front of @"), ("redis://host:0", "the port is not 1...65535"),
            ("redis://host:70000", "the port is not"), ("redis://host:hunter22", "the port is not"),
            ("redis://host:6379/x", "the number of the database"), ("redis://host/-1", "the number of the database"),
            ("redis://[::1", "the IPv6 address has no ]"), ("redis://[::1]x", "behind ] only a port"),
            ("redis://:a%4@host", "a % in user or password"), ("redis://ho st", "the host's name"),
            ("unix://run/redis.sock", "unix:// needs the whole path"), ("unix://", "unix:// needs the whole path"),
            ("unix:///a?database=1", "behind the socket's path only ?db=N"),
            ("unix:///" + String(repeating: "a", count: 108), "longer than 107 bytes"),
        ])
    func bad(_ text: String, _ message: String) throws {
        let problem = #expect(throws: RedisAddress.Problem.self) { try RedisAddress(Secret(text)) }
        #expect(problem?.message.contains(message) == true)
        #expect(problem?.message.contains("hunter22") == false)
    }
}
