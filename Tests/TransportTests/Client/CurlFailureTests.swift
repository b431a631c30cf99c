import CCurl
import PolluxCore
import Testing

@testable import PolluxTransport

@Suite("HTTP client: what libcurl's results mean")
struct CurlFailureTests {
    @Test(
        "each result has the class of the reliability requirements, section 16",
        arguments: [
            (7, CurlFailure.Progress.nothingReceived, "", GatewayError.Kind.upstreamUnreachable),
            (6, .nothingReceived, "", .upstreamUnreachable), (5, .nothingReceived, "", .upstreamUnreachable),
            (60, .nothingReceived, "", .upstreamTLS), (35, .nothingReceived, "", .upstreamTLS),
            (77, .nothingReceived, "", .upstreamTLS),
            (52, .nothingReceived, "Empty reply from server", .upstreamReset),
            (56, .nothingReceived, "Recv failure: Connection reset by peer", .upstreamReset),
            (56, .insideBody, "Recv failure: Connection reset by peer", .upstreamReset),
            (56, .insideBody, "Illegal or missing hexadecimal sequence in chunked-encoding", .upstreamBadResponse),
            (56, .insideHead, "Too large response headers", .upstreamBadResponse),
            (56, .insideBody, "OpenSSL SSL_read: unexpected eof while reading", .upstreamTruncated),
            (56, .nothingReceived, "Received HTTP code 407 from proxy after CONNECT", .upstreamUnreachable),
            (1, .nothingReceived, "Received HTTP/0.9 when not allowed", .upstreamBadResponse),
            (18, .insideBody, "", .upstreamTruncated), (28, .nothingReceived, "", .upstreamTimeout),
            (61, .insideBody, "", .upstreamBadResponse), (8, .insideHead, "", .upstreamBadResponse),
            (92, .insideBody, "", .upstreamReset), (16, .nothingReceived, "", .upstreamReset),
            (55, .nothingReceived, "", .upstreamReset), (3, .nothingReceived, "", .internalError),
        ])
    func classes(_ code: UInt32, _ progress: CurlFailure.Progress, _ text: String, _ kind: GatewayError.Kind) {
        let error = CurlFailure(code: CURLcode(rawValue: code), progress: progress, text: text).error
        #expect(error.kind == kind)
        #expect(error.scope == .endpoint)
    }

    @Test("user info of URLs stays out of the log, the rest of libcurl's words is kept")
    func userInfo() {
        let text = "cannot use http://user:p@ss@proxy:1/x and socks5://a:b@c:2, see me@example.org"
        let error = CurlFailure(code: CURLE_COULDNT_CONNECT, progress: .nothingReceived, text: text).error
        #expect(error.detail == "libcurl 7: cannot use http://proxy:1/x and socks5://c:2, see me@example.org")
        #expect(!error.message.contains("proxy"))
    }
}
