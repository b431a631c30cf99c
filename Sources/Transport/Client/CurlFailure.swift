import CCurl
import PolluxCore

/// What a result of libcurl (7.88) means to the gateway.
///
/// libcurl gives one code to several faults: 56 stands for a reset before the answer, a reset within it and a broken
/// chunk alike. How far the answer had come, and libcurl's own words, tell them apart as well as can be.
struct CurlFailure {
    enum Progress { case nothingReceived, insideHead, insideBody }

    let code: CURLcode
    let progress: Progress
    /// libcurl's own words.
    let text: String

    var error: GatewayError {
        GatewayError(kind, .endpoint, message, detail: "libcurl \(code.rawValue): \(withoutUserInfo(text))")
    }

    private var kind: GatewayError.Kind {
        switch code {
        case CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY, CURLE_PROXY:
            .upstreamUnreachable
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_ENGINE_NOTFOUND,
            CURLE_SSL_ENGINE_SETFAILED, CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_PINNEDPUBKEYNOTMATCH,
            CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_CLIENTCERT, CURLE_USE_SSL_FAILED, CURLE_SSL_SHUTDOWN_FAILED:
            .upstreamTLS
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_SEND_FAIL_REWIND, CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_AGAIN:
            .upstreamReset
        case CURLE_RECV_ERROR: kindOfReceiveError
        case CURLE_PARTIAL_FILE: .upstreamTruncated
        case CURLE_OPERATION_TIMEDOUT: .upstreamTimeout
        case CURLE_FILESIZE_EXCEEDED: .upstreamTooLarge
        case CURLE_URL_MALFORMAT, CURLE_OUT_OF_MEMORY, CURLE_FAILED_INIT, CURLE_BAD_FUNCTION_ARGUMENT,
            CURLE_UNKNOWN_OPTION, CURLE_NOT_BUILT_IN:
            .internalError
        // CURLE_UNSUPPORTED_PROTOCOL (no HTTP status line), CURLE_BAD_CONTENT_ENCODING, CURLE_WEIRD_SERVER_REPLY, …
        default: .upstreamBadResponse
        }
    }

    private var kindOfReceiveError: GatewayError.Kind {
        if text.contains("CONNECT") { return .upstreamUnreachable }
        // TLS: the peer closed the connection without saying so.
        if text.contains("unexpected eof") { return progress == .insideBody ? .upstreamTruncated : .upstreamReset }
        let isReset = progress == .nothingReceived || text.contains("Recv failure") || text.contains("SSL_read")
        return isReset ? .upstreamReset : .upstreamBadResponse
    }

    private var message: String {
        switch kind {
        case .upstreamUnreachable: "the upstream cannot be reached; try again later"
        case .upstreamTLS: "no secure connection to the upstream can be made; its certificate or settings need a look"
        case .upstreamReset: "the upstream broke off the connection; try again"
        case .upstreamTruncated: "the upstream's answer is incomplete; try again"
        case .upstreamTimeout: "the upstream did not answer in time; try again"
        case .upstreamTooLarge: "the upstream's answer is too large"
        case .internalError: "the request to the upstream could not be sent"
        default: "the upstream's answer is not valid HTTP"
        }
    }

    /// Takes `name:password@` out of every URL in a text.
    private func withoutUserInfo(_ text: String) -> String {
        let bytes = Array(text.utf8)
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            kept.append(bytes[index])
            index += 1
            guard kept.suffix(3).elementsEqual("://".utf8) else { continue }
            let authority = bytes[index...].prefix { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
            if let mark = authority.lastIndex(of: UInt8(ascii: "@")) { index = mark + 1 }
        }
        return String(decoding: kept, as: UTF8.self)
    }
}
