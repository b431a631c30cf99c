internal import PolluxCore

// MARK: - Answers, streamed and whole

extension FrontendTrial {
    func checkStreams() {
        for sample in samples where sample.isStreamed {
            guard let request = generation(sample) else { continue }
            let head = frontend.makeEncoder(for: request, Self.reply).head
            judge(head, "streams", "a stream's head")
            report.require(head.status == 200, "streams", "a stream begins with status \(head.status)")
            report.require(head.fields["content-type"] != nil, "streams", "a stream's head has no content-type")
            for seed in 0..<100 {
                let script = EventScript(seed: seed, isOrderly: true)
                checkStream(script.events, of: request, "seed \(seed)")
            }
            for seed in 0..<100 { checkDisorder(EventScript(seed: seed, isOrderly: false).events, of: request) }
            checkBrokenStream(of: request)
        }
    }

    /// A keep-alive between any two events changes nothing, and nothing follows the end.
    private func checkStream(_ events: [ModelEvent], of request: ModelRequest, _ doing: String) {
        var encoder = frontend.makeEncoder(for: request, Self.reply)
        report.require(!encoder.keepAlive.isEmpty, "streams", "there is no keep-alive; send white space or a comment")
        var (plain, kept) = ([UInt8](), [UInt8]())
        for event in events {
            var piece: [UInt8] = []
            encoder.encode(event, into: &piece)
            plain += piece
            kept += encoder.keepAlive + piece
        }
        var last: [UInt8] = []
        let end = encoder.finish(after: nil, into: &last)
        report.require(end == .clean, "streams", "\(doing): a stream that went well ends by a cut")
        plain += last
        kept += encoder.keepAlive + last
        let type = encoder.head.fields["content-type"] ?? ""
        if type.hasPrefix("text/event-stream") {
            report.require(
                Self.data(of: plain) == Self.data(of: kept), "streams", "\(doing): a keep-alive changes the events")
            report.require(
                plain.isEmpty || plain.suffix(2).elementsEqual("\n\n".utf8), "streams",
                "\(doing): the last event has no empty line behind it")
        } else if type.hasPrefix("application/json") {
            report.require(isJSON(plain) && isJSON(kept), "streams", "\(doing): the stream is not valid JSON")
        }
        checkSilence(&encoder, doing)
    }

    /// After its end a stream says nothing more.
    private func checkSilence(_ encoder: inout any ResponseEncoder, _ doing: String) {
        var more: [UInt8] = []
        for event in [ModelEvent.textDelta("late"), .finished(.stop), .usage(Usage()), .ended] {
            encoder.encode(event, into: &more)
        }
        encoder.releaseHeld(into: &more)
        report.require(more.isEmpty, "streams", "\(doing): the encoder goes on after finish")
        let error = GatewayError(.upstreamReset, .endpoint, "late")
        _ = encoder.finish(after: error, into: &more)
        _ = encoder.finish(after: nil, into: &more)
        report.require(more.isEmpty, "streams", "\(doing): a second finish writes again")
    }

    /// What a provider's fault or an upstream's nonsense may bring. Traps end the whole gateway.
    private func checkDisorder(_ events: [ModelEvent], of request: ModelRequest) {
        var encoder = frontend.makeEncoder(for: request, Self.reply)
        var bytes: [UInt8] = []
        for event in events {
            _ = encoder.error(insteadOf: event)
            encoder.encode(event, into: &bytes)
        }
        _ = encoder.finish(after: nil, into: &bytes)
        var reducer = ModelResponseReducer()
        for event in events { reducer.apply(event) }
        judge(frontend.encode(reducer.response, for: request, Self.reply), "answers", "an answer in disorder")
    }

    /// A stream that breaks off must not look like one that is complete.
    private func checkBrokenStream(of request: ModelRequest) {
        for before in [[], [ModelEvent.started(responseID: "r", model: "m"), .textDelta("half")]] {
            for kind in GatewayError.Kind.allCases {
                let error = GatewayError(kind, .endpoint, "it \"broke\"\noff", detail: "words for the log alone")
                var encoder = frontend.makeEncoder(for: request, Self.reply)
                var bytes: [UInt8] = []
                for event in before { encoder.encode(event, into: &bytes) }
                var good = encoder
                var (broken, fine) = (bytes, bytes)
                encoder.releaseHeld(into: &broken)
                let end = encoder.finish(after: error, into: &broken)
                let fineEnd = good.finish(after: nil, into: &fine)
                report.require(
                    end == .abort || (broken, end) != (fine, fineEnd), "streams",
                    "a stream that breaks off with \(kind) looks complete")
                let isTold = String(decoding: broken, as: UTF8.self).contains("words for the log alone")
                report.require(!isTold, "streams", "the client is told what is for the log alone")
                checkSilence(&encoder, "after \(kind)")
            }
        }
    }

    func checkWholeAnswers() {
        for sample in samples {
            guard let request = generation(sample) else { continue }
            for seed in 0..<100 {
                var reducer = ModelResponseReducer()
                for event in EventScript(seed: seed, isOrderly: true).events { reducer.apply(event) }
                let answer = frontend.encode(reducer.response, for: request, Self.reply)
                judge(answer, "answers", "seed \(seed)")
                report.require(
                    answer.head.status == 200, "answers", "seed \(seed): the status is \(answer.head.status)")
            }
            judge(frontend.encode(ModelResponse(), for: request, Self.reply), "answers", "an answer without candidates")
            var blocked = ModelResponse()
            blocked.promptBlock = ModelResponse.PromptBlock(reason: "SAFETY \"x\"", message: nil)
            judge(frontend.encode(blocked, for: request, Self.reply), "answers", "a refused prompt")
        }
        let odd = ModelInfo(id: "a/b \"c\"\n\u{0}é", owner: "o\\w")
        judge(frontend.encode(model: odd, Self.reply), "models", "a model with an odd name")
        for models in [[], [odd], [odd, ModelInfo(id: "m", owner: "")]] {
            let answer = frontend.encode(models: models, page: .all, Self.reply)
            judge(answer, "models", "a list of \(models.count) models")
            report.require(answer.head.status == 200, "models", "the list of models has status \(answer.head.status)")
        }
    }

    /// Counts are answers too, where the format has them.
    func checkCounts() {
        for sample in samples {
            do {
                guard case .countTokens(let request) = try frontend.decode(sample.request) else { continue }
                let answer = frontend.encode(tokens: TokenCount(of: request), for: request, Self.reply)
                judge(answer, "answers", "a count of tokens")
                report.require(
                    answer.head.status == 200, "answers", "a count of tokens has status \(answer.head.status)")
            } catch {
                report.add("decoding", "a good request for a count is refused: \(error)")
            }
        }
    }

    private static func data(of stream: [UInt8]) -> [[UInt8]]? {
        var parser = SSEParser(maxEventBytes: 1 << 24)
        parser.push(stream)
        var found: [[UInt8]] = []
        do {
            while let event = try parser.next() { found.append(event.data) }
            return parser.isInsideEvent ? nil : found
        } catch {
            return nil
        }
    }
}
