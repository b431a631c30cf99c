import CCurl
import CCurlShim
import Glibc
import PolluxCore

/// One of libcurl's transfer handles, used for one transfer after the other.
final class CurlHandle {
    let easy: UnsafeMutableRawPointer
    let fieldList = CurlFieldList()
    /// The transfer it serves now.
    private var transfer: CurlTransfer?
    private let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
    private(set) lazy var timer: LazyTimer = LazyTimer(on: loop) { [unowned self] now in
        transfer?.deadlinePassed(now)
    }
    private let loop: EventLoop
    /// What it is set up for; the next request of the same sort sets its own values only.
    private var setup: CurlSetup?

    /// - Throws: `internalError` when libcurl has no memory.
    init(on loop: EventLoop) throws(GatewayError) {
        guard let easy = curl_easy_init() else {
            throw GatewayError(.internalError, .endpoint, "the HTTP client has no memory left")
        }
        (self.easy, self.loop) = (easy, loop)
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    }

    deinit { errorText.deallocate() }

    /// Takes the last transfer away; what does not depend on it stays set.
    func rest() { transfer = nil }

    /// Gives the handle back to libcurl; it must be in no transfer. Not in `deinit`, which may run on any thread.
    func destroy() {
        transfer = nil
        timer.cancel()
        curl_easy_cleanup(easy)
    }

    /// libcurl's own words for the last failure; may name hosts.
    var lastError: String { String(cString: errorText) }

    /// Sets all that libcurl needs to know for a transfer.
    ///
    /// What is not set here is libcurl's default, and some of those are relied on: no redirects, no cookies, no
    /// `.netrc`, certificates verified.
    ///
    /// - Throws: `internalError` (scope `request`) for a URL or field that cannot be sent.
    func prepare(for transfer: CurlTransfer, sockets: CurlSockets) throws(GatewayError) {
        let request = transfer.request
        let setup = CurlSetup(
            isSecure: try checkScheme(of: request.url), method: request.method, hasBody: request.body != nil,
            acceptsCompression: request.acceptsCompression, network: transfer.network,
            isJudged: transfer.judge != nil,
            connect: transfer.deadlines.connect.curlMilliseconds)
        if setup != self.setup { apply(setup, sockets) }
        errorText[0] = 0
        setString(CURLOPT_URL, request.url)
        _ = ccurl_set_pointer(easy, CURLOPT_HTTPHEADER, try fieldList.build(request))
        if let body = request.body { setBody(body) }
        setContext(transfer)
        if setup.isJudged { setJudge(transfer) }
        self.transfer = transfer
    }

    /// Begins anew; only connections, names and TLS sessions stay known.
    private func apply(_ setup: CurlSetup, _ sockets: CurlSockets) {
        if self.setup != nil { curl_easy_reset(easy) }
        self.setup = setup
        setMethod(setup)
        // Waiting for a connection that can be shared only makes sense where HTTP/2 can be agreed on.
        let mayShare = setup.isSecure && !setup.isJudged
        setLong(CURLOPT_HTTP_VERSION, mayShare ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
        setLong(CURLOPT_PIPEWAIT, mayShare ? 1 : 0)
        // Half of libcurl's own: each open stream keeps this buffer, and what is larger comes in two reads. Not for
        // HTTP/2: with a buffer below a frame's 16 KiB, libcurl 7.88 never goes on with a stream that was paused.
        if !setup.isSecure { setLong(CURLOPT_BUFFERSIZE, 8 << 10) }
        if setup.acceptsCompression { setString(CURLOPT_ACCEPT_ENCODING, "gzip, deflate") }
        setNetwork(setup.network)
        setLong(CURLOPT_CONNECTTIMEOUT_MS, setup.connect)
        setFixedOptions()
        setCallbacks(sockets)
        if setup.isJudged { setUntrusted() }
    }

    /// For hosts that clients name: a judgement counts for one connection, and a connection for one transfer.
    private func setUntrusted() {
        setLong(CURLOPT_FRESH_CONNECT, 1)
        setLong(CURLOPT_FORBID_REUSE, 1)
        setLong(CURLOPT_FOLLOWLOCATION, 0)
        setString(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        setString(CURLOPT_NOPROXY, "*")
    }

    private func setJudge(_ transfer: CurlTransfer) {
        _ = ccurl_set_open_socket(easy, openJudgedSocket)
        _ = ccurl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, Unmanaged.passUnretained(transfer).toOpaque())
    }

    private func checkScheme(of url: String) throws(GatewayError) -> Bool {
        let start = url.utf8.prefix(8).map { $0 | 0x20 }
        if start.starts(with: "http://".utf8) { return false }
        if start.starts(with: "https://".utf8) { return true }
        throw GatewayError(.internalError, .request, "a request to an upstream must have an http or https URL")
    }

    private func setMethod(_ setup: CurlSetup) {
        if setup.hasBody {
            setLong(CURLOPT_POST, 1)
            if setup.method != .post { setString(CURLOPT_CUSTOMREQUEST, setup.method.rawValue) }
        } else if setup.method == .head {
            setLong(CURLOPT_NOBODY, 1)
        } else if setup.method != .get {
            setString(CURLOPT_CUSTOMREQUEST, setup.method.rawValue)
        }
    }

    private func setBody(_ body: [UInt8]) {
        _ = ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        // libcurl does not copy the body. An array's elements lie in one block of memory that never moves while the
        // array lives unchanged, and the transfer keeps its request for as long as libcurl has the handle.
        body.withUnsafeBytes { bytes in
            _ = ccurl_set_pointer(easy, CURLOPT_POSTFIELDS, bytes.baseAddress ?? UnsafeRawPointer(errorText))
        }
    }

    private func setNetwork(_ network: NetworkOptions) {
        // An empty name keeps libcurl from asking the environment.
        setString(CURLOPT_PROXY, network.proxy?.reveal() ?? "")
        if network.proxy != nil {
            setString(CURLOPT_NOPROXY, network.noProxy.joined(separator: ","))
            setLong(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        }
        if let file = network.caFile { setString(CURLOPT_CAINFO, file) }
    }

    private func setFixedOptions() {
        setString(CURLOPT_PROTOCOLS_STR, "http,https")
        setLong(CURLOPT_NOSIGNAL, 1)
        setLong(CURLOPT_HTTP09_ALLOWED, 0)
        setLong(CURLOPT_TCP_NODELAY, 1)
        setLong(CURLOPT_PATH_AS_IS, 1)
        // Else a transfer that ends while its host's name is looked up would stop the loop until the resolver gives up.
        setLong(CURLOPT_QUICK_EXIT, 1)
        // The least there is: bodies up to 64 KiB leave with the head anyway, and each handle keeps this buffer.
        setLong(CURLOPT_UPLOAD_BUFFERSIZE, 16 << 10)
    }

    private func setContext(_ transfer: CurlTransfer) {
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        _ = ccurl_set_pointer(easy, CURLOPT_PRIVATE, context)
        _ = ccurl_set_pointer(easy, CURLOPT_WRITEDATA, context)
        _ = ccurl_set_pointer(easy, CURLOPT_HEADERDATA, context)
        _ = ccurl_set_pointer(easy, CURLOPT_PREREQDATA, context)
    }

    private func setCallbacks(_ sockets: CurlSockets) {
        let socketContext = Unmanaged.passUnretained(sockets).toOpaque()
        _ = ccurl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText)
        _ = ccurl_set_receiver(easy, CURLOPT_WRITEFUNCTION, receiveBody)
        _ = ccurl_set_receiver(easy, CURLOPT_HEADERFUNCTION, receiveHead)
        _ = ccurl_set_before_request(easy, countSend)
        _ = ccurl_set_open_socket(easy, openSocket)
        _ = ccurl_set_pointer(easy, CURLOPT_OPENSOCKETDATA, socketContext)
        _ = ccurl_set_close_socket(easy, closeSocket)
        _ = ccurl_set_pointer(easy, CURLOPT_CLOSESOCKETDATA, socketContext)
    }

    private func setLong(_ option: CURLoption, _ value: Int) { _ = ccurl_set_long(easy, option, value) }

    /// libcurl copies strings.
    private func setString(_ option: CURLoption, _ value: String) { _ = ccurl_set_string(easy, option, value) }
}

/// What a handle is set up for, beside the values of a single request.
private struct CurlSetup: Equatable {
    var isSecure: Bool
    var method: HTTPMethod
    var hasBody: Bool
    var acceptsCompression: Bool
    var network: NetworkOptions
    /// To a host that a client named.
    var isJudged: Bool
    /// Milliseconds.
    var connect: Int
}

extension Duration {
    /// Whole milliseconds, at least 1 (0 would mean libcurl's own default), at most a day.
    fileprivate var curlMilliseconds: Int { Int(min(max(1, (min(microseconds, .max - 999) + 999) / 1000), 86_400_000)) }
}

/// `CURLOPT_WRITEFUNCTION`.
private func receiveBody(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes, let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .receiveBody(UnsafeRawBufferPointer(start: bytes, count: count))
}

/// `CURLOPT_HEADERFUNCTION`: called with one line at a time.
private func receiveHead(
    _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let bytes, let context else { return 0 }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue()
        .receiveHead(UnsafeRawBufferPointer(start: bytes, count: size * count))
}

/// `CURLOPT_OPENSOCKETFUNCTION` for hosts that clients name.
private func openJudgedSocket(
    _ context: UnsafeMutableRawPointer?, _ purpose: curlsocktype, _ address: UnsafeMutablePointer<curl_sockaddr>?
) -> curl_socket_t {
    guard let context, let address else { return CURL_SOCKET_BAD }
    return Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().openJudgedSocket(address)
}

/// `CURLOPT_PREREQFUNCTION`: called whenever the request is about to be sent on a connection.
private func countSend(
    _ context: UnsafeMutableRawPointer?, _ peer: UnsafeMutablePointer<CChar>?, _ local: UnsafeMutablePointer<CChar>?,
    _ peerPort: Int32, _ localPort: Int32
) -> Int32 {
    guard let context else { return CURL_PREREQFUNC_ABORT }
    let mayGoOn = Unmanaged<CurlTransfer>.fromOpaque(context).takeUnretainedValue().willSend()
    return mayGoOn ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}
