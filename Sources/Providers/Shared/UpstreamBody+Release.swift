import PolluxCore

extension UpstreamBody {
    /// Ends the transfer of a body whose answer is complete. What has arrived already is read first, so that the
    /// connection can serve another request.
    func release() async {
        var piecesLeft = 8
        while piecesLeft > 0, isReady, let piece = try? await next(), !piece.isEmpty { piecesLeft -= 1 }
        endSoon()
    }
}
