import CSystem
import Glibc

/// The two pipes to a child: its input, and one for both of its outputs. For one thread.
final class ChildPipes {
    private(set) var theirInput: Int32
    private(set) var theirOutput: Int32
    /// -1 once closed.
    private var ourInput: Int32
    private var ourOutput: Int32

    /// `nil`, with `errno` set, when the system has no descriptors left.
    init?() {
        guard let input = Self.open() else { return nil }
        guard let output = Self.open() else {
            let code = errno
            close(input.reading)
            close(input.writing)
            errno = code
            return nil
        }
        (theirInput, ourInput) = (input.reading, input.writing)
        (ourOutput, theirOutput) = (output.reading, output.writing)
        for end in [ourInput, ourOutput] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit { for end in [theirInput, theirOutput, ourInput, ourOutput] where end >= 0 { close(end) } }

    private static func open() -> (reading: Int32, writing: Int32)? {
        var ends: [Int32] = [0, 0]
        guard csystem_pipe(&ends) == 0 else { return nil }
        // In a process without standard streams: their numbers are the child's to have.
        return (beyondStandard(ends[0]), beyondStandard(ends[1]))
    }

    private static func beyondStandard(_ end: Int32) -> Int32 {
        guard end < 3 else { return end }
        let other = fcntl(end, F_DUPFD_CLOEXEC, 3)
        close(end)
        return other
    }

    /// Once the child has them.
    func closeTheirs() {
        for end in [theirInput, theirOutput] { close(end) }
        (theirInput, theirOutput) = (-1, -1)
    }

    /// Writes what the child takes and reads what it has written; waits for either.
    ///
    /// - Parameter limit: Only the last of the output is kept.
    /// - Returns: Whether the child has written something.
    @discardableResult
    func exchange(_ unsent: inout ArraySlice<UInt8>, _ output: inout [UInt8], keeping limit: Int, milliseconds: Int32)
        -> Bool
    {
        if unsent.isEmpty { closeInput() }
        var wanted = [
            pollfd(fd: ourInput, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: ourOutput, events: Int16(POLLIN), revents: 0),
        ]
        // A number below zero is passed over; with both, this only waits.
        guard poll(&wanted, nfds_t(wanted.count), milliseconds) > 0 else { return false }
        if wanted[0].revents != 0 { write(&unsent) }
        return wanted[1].revents != 0 && read(&output, keeping: limit)
    }

    private func write(_ unsent: inout ArraySlice<UInt8>) {
        let count = unsent.withUnsafeBytes { Glibc.write(ourInput, $0.baseAddress, $0.count) }
        if count > 0 { unsent = unsent.dropFirst(count) }
        // A child that does not read its input may do so.
        if unsent.isEmpty || (count < 0 && errno != EAGAIN && errno != EINTR) { closeInput() }
    }

    private func read(_ output: inout [UInt8], keeping limit: Int) -> Bool {
        var piece = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(ourOutput, &piece, piece.count)
        if count > 0 {
            output += piece[..<count]
            if output.count > limit { output.removeFirst(output.count - limit) }
        } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
            close(ourOutput)
            ourOutput = -1
        }
        return count > 0
    }

    private func closeInput() {
        if ourInput >= 0 { close(ourInput) }
        ourInput = -1
    }
}
