import PolluxCore
import PolluxTransport

/// What no proper answer can be: done past the server's framing, straight to the socket.
extension SimulatedCall {
    private var socket: (any FaultyExchange)? { exchange as? any FaultyExchange }

    /// Ends the connection with a reset (RST).
    func reset() {
        note { $0.ending = .cutBySimulator }
        socket?.resetConnection()
    }

    /// Goes on with a chunk size that is none, and closes.
    func breakFraming() {
        socket?.sendUnframed(Array("zz\r\nnot a chunk\r\n".utf8))
        cut()
    }

    /// An interim answer before the real one.
    func sendInterim() {
        socket?.sendUnframed(Array("HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n".utf8))
    }

    /// Bytes in place of an answer.
    func sendRaw(_ text: String, thenCut: Bool = true) {
        socket?.sendUnframed(Array(text.utf8))
        if thenCut { cut() }
    }
}
