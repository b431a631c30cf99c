import CSystem
import Glibc

/// Bytes that the socket did not take yet, in order. Large arrays are kept as they are, small pieces are joined.
struct OutputQueue {
    private var segments: [[UInt8]] = []
    private var first = 0
    /// Of the first segment, already sent.
    private var offset = 0
    private(set) var count = 0

    private static let joinBelow = 16 << 10

    var isEmpty: Bool { count == 0 }

    mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard !bytes.isEmpty else { return }
        count += bytes.count
        if first < segments.count, segments[segments.count - 1].count + bytes.count <= Self.joinBelow {
            segments[segments.count - 1].append(contentsOf: bytes)
        } else {
            segments.append(Array(bytes))
        }
    }

    /// Appends what follows `start`, without copying when that is all.
    mutating func append(_ bytes: [UInt8], from start: Int) {
        guard start < bytes.count else { return }
        if start == 0, bytes.count > Self.joinBelow {
            count += bytes.count
            segments.append(bytes)
        } else if isEmpty {
            segments.append(bytes)
            offset = start
            count = bytes.count - start
        } else {
            bytes.withUnsafeBufferPointer { append(UnsafeBufferPointer(rebasing: $0[start...])) }
        }
    }

    /// Sends the first segment, or what the socket takes of it.
    ///
    /// - Returns: The bytes sent, or the system's error number as a negative one.
    mutating func sendFirst(to descriptor: Int32) -> Int {
        let sent = segments[first].withUnsafeBytes { bytes in
            sendBytes(descriptor, UnsafeRawBufferPointer(rebasing: bytes[offset...]))
        }
        if sent > 0 { drop(sent) }
        return sent
    }

    mutating func clear() { self = OutputQueue() }

    private mutating func drop(_ sent: Int) {
        count -= sent
        offset += sent
        guard offset == segments[first].count else { return }
        segments[first] = []
        first += 1
        offset = 0
        if first == segments.count { clear() }
    }
}

/// `send` that never raises a signal.
///
/// - Returns: The bytes sent, or the system's error number as a negative one.
func sendBytes(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    while true {
        let sent = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        if sent >= 0 { return sent }
        if errno != EINTR { return -Int(errno) }
    }
}

/// Sends up to three pieces in one system call.
///
/// - Returns: As `sendBytes`.
func sendBytes(
    _ descriptor: Int32, _ head: UnsafeRawBufferPointer, _ body: UnsafeRawBufferPointer, _ tail: StaticString
) -> Int {
    withUnsafeTemporaryAllocation(of: iovec.self, capacity: 3) { vectors in
        vectors[0] = iovec(iov_base: UnsafeMutableRawPointer(mutating: head.baseAddress), iov_len: head.count)
        vectors[1] = iovec(iov_base: UnsafeMutableRawPointer(mutating: body.baseAddress), iov_len: body.count)
        vectors[2] = iovec(
            iov_base: UnsafeMutableRawPointer(mutating: tail.utf8Start), iov_len: tail.utf8CodeUnitCount)
        var message = msghdr()
        message.msg_iov = vectors.baseAddress
        message.msg_iovlen = 3
        while true {
            let sent = sendmsg(descriptor, &message, Int32(MSG_NOSIGNAL))
            if sent >= 0 { return sent }
            if errno != EINTR { return -Int(errno) }
        }
    }
}
