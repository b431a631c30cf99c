import PolluxCore

/// `media:`
struct MediaSettings: SettingsReadable {
    /// Which addresses that clients name are asked.
    var fetch: FetchRules.Mode
    var allowHosts: [String]
    var denyCIDRs: [String]
    var output: MediaOutput
    var videoOutput: VideoOutput
    var maxBytes: Int
    /// `nil` keeps files until the room is needed.
    var expireAfter: Duration?

    init(reading map: inout SettingsMap) {
        fetch = map.choice(
            "fetch", default: FetchRules.Mode.public,
            help: "URLs in requests: `public` fetches public addresses, `allow_list` only `allow_hosts`, `off` none.")
        allowHosts = map.stringList(
            "allow_hosts", help: "`host:port` that may be fetched whatever its address, such as an intranet store.")
        denyCIDRs = map.stringList(
            "deny_cidrs", help: "Addresses never fetched, such as `203.0.113.0/24`, beside all that are not public.")
        output = map.choice(
            "output", default: MediaOutput.url,
            help: "Images in answers of the OpenAI format: `url`, `base64`, or `markdown` in the text.")
        videoOutput = map.choice(
            "video_output", default: VideoOutput.url, help: "Films in answers: `url`, `html`, `markdown`.")
        maxBytes = map.size(
            "max_bytes", default: 2 << 30, in: (1 << 20)...(1 << 40),
            help: "Room for media that models made; the oldest go first.")
        expireAfter = Self.expireAfter(&map)
        for host in allowHosts where FetchHost(host) == nil {
            map.issue(at: "allow_hosts", "\"\(host)\" is not of the form host:port, like images.example.org:443")
        }
        for range in denyCIDRs where CIDR(range) == nil {
            map.issue(
                at: "deny_cidrs", "\"\(range)\" is not a range of addresses, like 203.0.113.0/24 or 2001:db8::/32")
        }
    }

    private static func expireAfter(_ map: inout SettingsMap) -> Duration? {
        let duration = map.duration(
            "expire_after", default: .seconds(12 * 3600), in: .zero...(.seconds(30 * 86_400)),
            help: "How long they are kept; `0s` until the room is needed.")
        return duration == .zero ? nil : duration
    }
}
