internal import PolluxCore

// MARK: - Cancelling and demand

extension ProviderTrial {
    /// A client that goes away ends the transfer, in every state of it.
    func checkCancellation() async {
        await checkCancellation(.silence)
        await checkCancellation(.silenceAfter(half: false))
        await checkCancellation(.silenceAfter(half: true))
    }

    private func checkCancellation(_ spoil: ContractUpstream.Spoil) async {
        let upstream = upstream(spoil, HurriedTime())
        let task = Task { await outcome(of: upstream) }
        // Whichever comes first: the provider waits for its upstream, or it is through.
        let reached = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await upstream.isSilent.pass() } catch { return false }
                return true
            }
            group.addTask {
                _ = await task.value
                return false
            }
            let first = await group.next() ?? false
            if first { task.cancel() }
            group.cancelAll()
            await group.waitForAll()
            return first
        }
        guard reached else { return report.add("cancellation", "\(spoil.name): the provider does not wait for it") }
        let error = await task.value
        report.require(
            error?.kind == .cancelled, "cancellation",
            "\(spoil.name): after cancelling, the provider says \(error.map { "\($0)" } ?? "nothing"), not cancelled")
        report.require(upstream.openBodies == 0, "cancellation", "\(spoil.name): the transfer goes on after cancelling")
    }

    private func outcome(of upstream: ContractUpstream) async -> GatewayError? {
        guard let provider = makeProvider(upstream, HurriedTime(), RecordedLog()) else { return nil }
        do {
            var stream = try await provider.generate(request, on: RecordedLease(credential))
            while try await stream.next() != nil {}
            return nil
        } catch {
            return error
        }
    }

    /// Nothing is read that nobody asked for, and a dropped stream ends its transfer.
    func checkDemand() async {
        let upstream = upstream(.pieces({ $0.joined().map { [$0] } }, failure: nil), HurriedTime())
        guard let provider = makeProvider(upstream, HurriedTime(), RecordedLog()) else { return }
        do {
            var stream: EventStream? = try await provider.generate(request, on: RecordedLease(credential))
            if contract.isStreamed { try await checkPace(&stream, upstream) }
            stream = nil
        } catch {
            report.add("demand", "a good answer that comes byte by byte fails: \(error)")
        }
        report.require(upstream.openBodies == 0, "demand", "a dropped stream does not end its transfer")
    }

    private func checkPace(_ stream: inout EventStream?, _ upstream: ContractUpstream) async throws(GatewayError) {
        let total = upstream.totalBytes(of: answerRequest)
        report.require(
            upstream.reads <= max(1, total / 2), "demand", "generate reads the answer before it is asked for")
        while let event = try await stream?.next(), !event.isContent {}
        let reads = upstream.reads
        report.require(
            reads < total, "demand",
            "the whole answer is read before its first content is given; set isStreamed = false "
                + "if the upstream's format leaves no choice")
        for _ in 0..<50 { await Task.yield() }
        report.require(upstream.reads == reads, "demand", "the answer is read further while nobody asks for more")
    }
}

extension ContractUpstream {
    /// How many bytes the script answers with.
    func totalBytes(of request: UpstreamRequest) -> Int {
        do { return try scripted(request).pieces.reduce(0) { $0 + $1.count } } catch { return 0 }
    }
}
