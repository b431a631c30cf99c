import Glibc
import PolluxCore

extension ServerConnection {
    /// Bodies up to this size are copied behind their head; larger ones are sent from where they are.
    private static let copyBelow = 16 << 10
    /// Others get their turn after so many bytes to one client.
    private static let bytesPerRound = 256 << 10

    /// Sends a whole answer.
    func send(_ answer: HTTPAnswer, minorVersion: Int, closes: Bool, isHead: Bool) {
        let hasBody = !answer.head.forbidsBody
        var bytes = worker.takeScratch()
        ResponseHeadWriter(minorVersion: minorVersion, closes: closes, dateLine: worker.dateLine)
            .write(answer.head, hasBody ? .length(answer.body.count) : .unframed, to: &bytes)
        transmit(bytes, hasBody && !isHead ? answer.body : [], "")
    }

    /// Sends pieces in one system call and keeps what the socket does not take.
    ///
    /// - Parameter head: The worker's scratch buffer, which goes back to it.
    func transmit(_ head: consuming [UInt8], _ body: [UInt8], _ tail: StaticString) {
        var head = head
        if body.count <= Self.copyBelow {
            head.append(contentsOf: body)
            head.append(literal: tail)
            transmitPieces(head, [], "")
        } else {
            transmitPieces(head, body, tail)
        }
        worker.giveBack(head)
    }

    private func transmitPieces(_ head: [UInt8], _ body: [UInt8], _ tail: StaticString) {
        guard phase != .closed else { return }
        var sent = 0
        if output.isEmpty {
            sent = head.withUnsafeBytes { head in
                body.isEmpty
                    ? sendBytes(descriptor, head) : body.withUnsafeBytes { sendBytes(descriptor, head, $0, tail) }
            }
            if sent < 0 {
                guard sent == -Int(EAGAIN) else { return clientGone() }
                sent = 0
            }
            guard sent < head.count + body.count + tail.utf8CodeUnitCount else { return }
            setWriteDeadline()
        }
        output.append(head, from: sent)
        output.append(body, from: max(0, sent - head.count))
        let tailStart = min(max(0, sent - head.count - body.count), tail.utf8CodeUnitCount)
        output.append(
            UnsafeBufferPointer(start: tail.utf8Start + tailStart, count: tail.utf8CodeUnitCount - tailStart))
        updateInterest()
    }

    /// Sends what waits, as far as the socket takes it.
    func flush() {
        var budget = Self.bytesPerRound
        while !output.isEmpty, budget > 0 {
            let sent = output.sendFirst(to: descriptor)
            if sent == -Int(EAGAIN) { break }
            guard sent > 0 else { return clientGone() }
            budget -= sent
            setWriteDeadline()
        }
        if output.count <= limits.unsentBuffer / 2 { exchange?.didDrain() }
        guard output.isEmpty else { return }
        clearWriteDeadline()
        if phase == .closing { endOutput() } else { updateInterest() }
    }
}

extension HTTPResponseHead {
    /// 204 and 304 end with their head (RFC 9110 section 6.4.1).
    var forbidsBody: Bool { status == 204 || status == 304 }
}
