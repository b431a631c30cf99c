internal import PolluxCore

// MARK: - Errors and requests

extension FrontendTrial {
    /// Every error there is has an answer that a client of the format can read, and that keeps the log's part back.
    func checkErrors() {
        let detail = "words for the log alone"
        for kind in GatewayError.Kind.allCases {
            for message in ["try again", "a \"quoted\" word\\", "line\r\nbreak \u{0}\u{2028}", "é漢🦊", ""] {
                let error = GatewayError(
                    kind, .request, message, detail: detail, retryAfter: .seconds(7), param: "messages[0].\"x\"")
                let answer = frontend.encode(error: error, Self.reply)
                let doing = "\(kind) with the message \"\(message.shownShort)\""
                judge(answer, "errors", doing)
                report.require(
                    Self.statuses(of: kind).contains(answer.head.status), "errors",
                    "\(doing) is told with status \(answer.head.status)")
                report.require(!answer.body.isEmpty, "errors", "\(doing) has an empty body")
                let text = String(decoding: answer.body, as: UTF8.self)
                report.require(!text.contains(detail), "errors", "\(doing) tells the client what is for the log alone")
                if message == "try again" {
                    report.require(text.contains(message), "errors", "\(doing) does not show the message")
                }
            }
        }
    }

    /// Whose fault it is, which is what clients repeat or give up by.
    private static func statuses(of kind: GatewayError.Kind) -> ClosedRange<Int> {
        switch kind {
        case .upstreamUnreachable, .upstreamTLS, .upstreamReset, .upstreamTimeout, .upstreamTruncated,
            .upstreamBadResponse, .upstreamError, .upstreamTooLarge, .upstreamAuth, .upstreamUnavailable,
            .upstreamInvalidOutput, .noAccountAvailable, .overloaded, .shuttingDown, .internalError:
            500...599
        case .upstreamRejected, .cancelled, .unsupportedTransferCoding, .unsupportedVersion: 400...599
        default: 400...499
        }
    }

    func checkDecoding() {
        for sample in samples {
            if let request = generation(sample) {
                report.require(!request.model.isEmpty, "decoding", "a good request has no model")
                report.require(
                    request.stream == sample.isStreamed, "decoding", "the sample's stream is read as \(request.stream)")
                report.require(request.id == sample.request.requestID, "decoding", "the request's id is not requestID")
                report.require(
                    request.client == sample.request.client, "decoding", "what is known of the client is dropped")
            }
            for (name, body) in Self.nonsense { decode(sample, body, "the body is \(name)") }
            checkCutsAndDamage(sample)
            checkMembers(sample)
        }
    }

    private func checkCutsAndDamage(_ sample: FrontendSample) {
        let body = sample.request.body
        for cut in body.indices { decode(sample, Array(body[..<cut]), "the body ends after \(cut) bytes") }
        for seed in 0..<200 where !body.isEmpty {
            let random = SeededRandom(seed: seed)
            var damaged = body
            for _ in 0...random.below(4) {
                damaged[Int(random.below(UInt64(damaged.count)))] = UInt8(truncatingIfNeeded: random.next())
            }
            decode(sample, damaged, "damage with seed \(seed)")
        }
        for value in ["", "\u{0}", "a/../b", "%00", "\r\nx: y", String(repeating: "m", count: 10_000)] {
            var odd = sample
            for name in odd.request.variables.keys { odd.request.variables[name] = value }
            odd.request.query = odd.request.query.map { ($0.name, value) }
            decode(odd, body, "a variable is \"\(value.shownShort)\"")
        }
    }

    /// Each member of a JSON body in turn is left out, or is what it should not be.
    private func checkMembers(_ sample: FrontendSample) {
        let whole: JSON
        do { whole = try JSON.parse(sample.request.body) } catch { return }
        let values: [JSON?] = [
            nil, .null, true, -1, 1e300, "", "\u{0}", "9223372036854775808", [], [[]], [.null], [7], [:], ["": .null],
        ]
        for path in Self.paths(in: whole) {
            for value in values {
                let body = Self.replacing(path[...], in: whole, with: value)?.bytes() ?? []
                decode(sample, body, "\(path) is \(value.map { $0.text.shownShort } ?? "left out")")
            }
        }
    }

    /// Either a call or an error about the request; never a fault of ours, never a trap.
    private func decode(_ sample: FrontendSample, _ body: [UInt8], _ doing: String) {
        var request = sample.request
        request.body = body
        do {
            _ = try frontend.decode(request)
        } catch {
            report.require(error.scope == .request, "decoding", "\(doing): the error is about \(error.scope)")
            let status = frontend.encode(error: error, Self.reply).head.status
            report.require(
                (400...499).contains(status), "decoding", "\(doing): the client is told \(status), not what to change")
            report.require(!error.message.isEmpty, "decoding", "\(doing): the error has no message")
        }
    }

    private enum Step: CustomStringConvertible {
        case key(String), index(Int)
        var description: String {
            switch self {
            case .key(let key): ".\(key)"
            case .index(let index): "[\(index)]"
            }
        }
    }

    private static func paths(in json: JSON) -> [[Step]] {
        switch json {
        case .object(let object):
            object.members.flatMap { key, value in [[.key(key)]] + paths(in: value).map { [.key(key)] + $0 } }
        case .array(let elements):
            elements.enumerated().flatMap { index, value in
                [[.index(index)]] + paths(in: value).map { [.index(index)] + $0 }
            }
        case .null, .bool, .number, .string: []
        }
    }

    private static func replacing(_ path: ArraySlice<Step>, in json: JSON, with value: JSON?) -> JSON? {
        guard let step = path.first else { return value }
        switch (step, json) {
        case (.key(let key), .object(var object)):
            object[key] = object[key].flatMap { replacing(path.dropFirst(), in: $0, with: value) }
            return .object(object)
        case (.index(let index), .array(var elements)) where elements.indices.contains(index):
            if let new = replacing(path.dropFirst(), in: elements[index], with: value) {
                elements[index] = new
            } else {
                elements.remove(at: index)
            }
            return .array(elements)
        default: return json
        }
    }

    private static let nonsense: [(String, [UInt8])] = [
        ("empty", []), ("white space", Array(" \r\n\t".utf8)), ("a NUL", [0]), ("null", Array("null".utf8)),
        ("[]", Array("[]".utf8)), ("{}", Array("{}".utf8)), ("a number", Array("1e999".utf8)),
        ("a text", Array("\"x\"".utf8)), ("no UTF-8", [0xFF, 0xFE, 0xC0, 0x80]),
        ("half a character", [0x22, 0xF0, 0x9F, 0x22]), ("deep brackets", [UInt8](repeating: 0x5B, count: 100_000)),
        ("deep objects", Array(String(repeating: #"{"a":"#, count: 20_000).utf8)),
        ("a form", Array("model=m&prompt=hi".utf8)),
        ("a lone surrogate", Array(#"{"model":"\ud800","messages":[]}"#.utf8)),
    ]
}
