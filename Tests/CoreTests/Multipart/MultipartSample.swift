import PolluxCore

/// What a reader made of a body: its parts, or why not.
struct MultipartOutcome: Equatable {
    var parts: [MultipartPart] = []
    var error: GatewayError?

    /// - Parameter pieces: The body as it comes in.
    static func reading(
        _ pieces: [[UInt8]], contentType: String = MultipartSample.type, limits: MultipartLimits = MultipartLimits()
    ) -> MultipartOutcome {
        var outcome = MultipartOutcome()
        do throws(GatewayError) {
            var reader = try MultipartReader(contentType: contentType, limits: limits)
            var head: MultipartPartHead?
            var bytes: [UInt8] = []
            for piece in pieces {
                reader.push(piece)
                while let event = try reader.next() {
                    switch event {
                    case .partStarted(let started): (head, bytes) = (started, [])
                    case .bytes(let more): bytes += more
                    case .partEnded: if let head { outcome.parts.append(MultipartPart(head: head, bytes: bytes)) }
                    }
                }
            }
            try reader.finish()
        } catch {
            outcome.error = error
        }
        return outcome
    }
}

enum MultipartSample {
    static let type = "multipart/form-data; boundary=b0"

    /// A part's header and content, as a form sends it.
    static func field(_ name: String, _ content: String, more: String = "") -> String {
        "--b0\r\nContent-Disposition: form-data; name=\"\(name)\"\(more)\r\n\r\n\(content)\r\n"
    }

    /// Whole, broken and odd: each is read the same however it is cut.
    static let bodies: [String] = [
        "--b0--", "--b0--\r\n", "--b0-- \t\r\nepilogue\r\n--b0\r\n",
        field("a", "1") + "--b0--\r\n",
        field("a", "") + field("b", "two\r\nlines\r\n") + "--b0--\r\n",
        "preamble\r\n\r--b0 no\r\n" + field("a", "1") + "--b0--",
        field("a", "\r\n--b\r\n--\r\r\n--b1\r\n-") + "--b0--\r\n",
        "--b0 \t\r\nContent-Disposition: form-data; name=a\r\n\r\n--b0--\r\n",
        field("file", "\u{1}\u{2}\r", more: "; filename=\"é.png\"\r\nContent-Type: image/png") + "--b0--\r\n",
        "--b0\r\ncontent-disposition: form-data;\r\n name=\"folded\"\r\n\r\nx\r\n--b0--\r\n",
        // Broken.
        "", "--b", "no boundary at all\r\n", "--b0", "--b0\r", "--b0\r\n", field("a", "1"), field("a", "1") + "--b0-",
        "--b0x\r\n", "--b0-x", "--b0--x", "--b0\n", "--b0\r\nContent-Disposition: form-data; name=a\n\n1\r\n--b0--",
        "--b0\r\n\r\nno header\r\n--b0--\r\n", "--b0\r\nno colon\r\n\r\n", "--b0\r\n folded: first\r\n\r\n",
        field("a", "1") + field("b", "2\r\n--b0y") + "--b0--",
    ]
}
