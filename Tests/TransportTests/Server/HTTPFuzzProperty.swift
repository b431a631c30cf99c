#if canImport(PolluxTransport)
    @testable import PolluxTransport
#endif

/// What must hold for any bytes at all: the head parser and the chunk decoder do not crash, and give the same result
/// whether the bytes come at once or in pieces. Also compiled into the fuzz target (Fuzz/HTTP), without the module.
enum HTTPFuzzProperty {
    /// - Returns: What was violated; `nil` when all is well.
    static func violation(_ bytes: [UInt8]) -> String? {
        let limits = [
            HTTPRequestParser.Limits(),
            HTTPRequestParser.Limits(maxRequestLine: 32, maxHeaderBytes: 64, maxHeaderFields: 3),
        ]
        for limits in limits {
            let whole = parse(bytes, cuts: [], limits)
            for cuts in waysToCut(bytes) where parse(bytes, cuts: cuts, limits) != whole {
                return "the head parser depends on the cuts \(cuts)"
            }
        }
        let whole = decode(bytes, cuts: [])
        for cuts in waysToCut(bytes) where decode(bytes, cuts: cuts) != whole {
            return "the chunk decoder depends on the cuts \(cuts)"
        }
        return nil
    }

    /// Every byte alone, and eight ways that the bytes themselves choose.
    private static func waysToCut(_ bytes: [UInt8]) -> [[Int]] {
        guard bytes.count > 1 else { return [] }
        var state = bytes.reduce(UInt64(1469)) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        var ways = [Array(1..<bytes.count)]
        for _ in 0..<8 {
            var cuts: Set<Int> = []
            for _ in 0..<3 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                cuts.insert(1 + Int(state >> 33) % (bytes.count - 1))
            }
            ways.append(cuts.sorted())
        }
        return ways
    }

    enum HeadOutcome: Equatable {
        case request(ParsedRequest)
        case incomplete
        case refused(HTTPSyntaxError)
    }

    static func parse(_ bytes: [UInt8], cuts: [Int], _ limits: HTTPRequestParser.Limits) -> HeadOutcome {
        var parser = HTTPRequestParser(limits: limits)
        for end in cuts + [bytes.count] {
            do throws(HTTPSyntaxError) {
                let request = try parser.parse(bytes.span.extracting(0..<end))
                if let request { return .request(request) }
            } catch {
                return .refused(error)
            }
        }
        return .incomplete
    }

    struct BodyOutcome: Equatable {
        var bytes: [UInt8] = []
        var used = 0
        var isFinished = false
        var error: HTTPSyntaxError?
    }

    static func decode(_ bytes: [UInt8], cuts: [Int]) -> BodyOutcome {
        var decoder = ChunkedDecoder()
        var outcome = BodyOutcome()
        for end in cuts + [bytes.count] where !decoder.isFinished {
            do throws(HTTPSyntaxError) {
                outcome.used += try decoder.decode(bytes.span.extracting(outcome.used..<end), into: &outcome.bytes)
            } catch {
                // How far a broken body got is of no consequence: it is never used.
                return BodyOutcome(error: error)
            }
        }
        outcome.isFinished = decoder.isFinished
        return outcome
    }
}
