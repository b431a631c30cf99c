import PolluxCore
import Testing

@Suite("Requests on their way to the store")
struct RequestBatchTests {
    private func request(_ number: Int) -> RequestRecord {
        var request = RequestRecord(
            requestID: "req_\(number)", startedAt: WallTime(microseconds: Int64(number)),
            keyID: number % 2 == 0 ? "k" : "",
            model: String(repeating: "m", count: number % 7), provider: "p", accountID: "ü\(number)", status: 502)
        (request.attempts, request.error, request.isStreamed) = (number, .upstreamError, number % 2 == 0)
        (request.inputTokens, request.outputTokens, request.cachedTokens) = (1, 2, 3)
        (request.total, request.firstByte, request.overhead) = (.seconds(3), .seconds(2), .microseconds(number))
        return request
    }

    @Test("what goes in comes out, in order, also of batches that were joined")
    func order() {
        var batch = RequestBatch((0..<10).map(request))
        batch.append(RequestBatch())
        batch.append(RequestBatch((10..<15).map(request)))
        #expect(batch.count == 15)
        #expect(Array(batch) == (0..<15).map(request))
        var empty = RequestBatch()
        empty.append(batch)
        #expect(Array(empty) == Array(batch))
    }

    @Test("the oldest are given up, with their texts")
    func removal() {
        var batch = RequestBatch((0..<10).map(request))
        batch.removeFirst(4)
        #expect(Array(batch) == (4..<10).map(request))
        let taken = batch.take()
        #expect(batch.isEmpty && taken.count == 6)
        batch.append(request(20))
        #expect(Array(batch) == [request(20)])
        batch.removeFirst(1)
        #expect(batch.isEmpty && Array(batch).isEmpty)
    }
}
