import PolluxCore

/// The elements of an answer stream as they are added to, one reply at a time (protocol notes, section 6.2).
struct AnswerElements: Sendable {
    private(set) var list: [JSON] = []
    /// All text that is not a thought.
    private(set) var text = ""

    mutating func addThought(_ text: String) {
        add(content: ["role": "model", "text": .string(text), "thought": true])
    }

    mutating func addText(_ text: String) {
        self.text += text
        add(content: ["role": "model", "text": .string(text)])
    }

    /// - Parameter mimeType: What the stream says of it; the list of files may know better.
    mutating func addFile(_ file: BusinessFile, as mimeType: String) {
        add(content: ["role": "model", "file": ["mimeType": .string(mimeType), "fileId": .string(file.id)]])
    }

    /// Bytes in the answer itself.
    mutating func addInline(_ bytes: [UInt8], mimeType: String) {
        let data: JSON = ["mimeType": .string(mimeType), "data": .string(Base64.encode(bytes))]
        add(content: ["role": "model", "inlineData": data])
    }

    /// Code that the model wrote and ran, and what came of it.
    mutating func addCode(_ code: String, output: String) {
        add(content: ["role": "model", "executableCode": ["language": "PYTHON", "code": .string(code)]])
        add(content: [
            "role": "model", "codeExecutionResult": ["outcome": "OUTCOME_OK", "output": .string(output)],
        ])
    }

    /// A picture in the older shape, which has three places.
    mutating func addOlderImage(_ bytes: [UInt8], mimeType: String, at place: OlderPlace) {
        let images: JSON = [
            ["image": ["bytesBase64Encoded": .string(Base64.encode(bytes)), "mimeType": .string(mimeType)]]
        ]
        switch place {
        case .response:
            addElement(["answer": ["state": "IN_PROGRESS"], "generatedImages": images])
        case .answer:
            addElement(["answer": ["state": "IN_PROGRESS", "generatedImages": images]])
        case .reply:
            addElement(["answer": ["state": "IN_PROGRESS", "replies": [["generatedImages": images]]]])
        }
    }

    enum OlderPlace: String, Sendable {
        case response, answer, reply
    }

    /// A reply with segments whose positions count bytes, as decimal strings.
    mutating func addCitation() {
        let (before, cited, after) = (" Le carr\u{E9}: ", "A red square", " is what it is.")
        text += before + cited + after
        let start = before.utf8.count
        add(
            content: ["role": "model", "text": .string(before + cited + after)],
            grounding: [
                "segments": [
                    [
                        "startIndex": .string(String(start)), "endIndex": .string(String(start + cited.utf8.count)),
                        "referenceIndices": [0], "groundingScore": 0.9, "text": .string(cited),
                    ]
                ],
                "references": [
                    [
                        "content": "A square is a quadrilateral.",
                        "documentMetadata": [
                            "uri": "https://example.org/x", "title": "X", "domain": "example.org",
                        ],
                    ]
                ],
            ])
    }

    /// What readers must pass over: elements without an answer, answers without replies, replies without text, members
    /// that nobody knows. Two replies with text in one element are among it.
    mutating func addNoise() {
        list.append(["uToken": "AbCd-invented", "unknown": [1, ["error": "none"]]])
        addElement(["assistToken": "NMwKDA-invented"])
        addElement(["answer": ["state": "IN_PROGRESS"]])
        addElement(["answer": ["state": "IN_PROGRESS", "replies": []]])
        add(content: ["role": "model"])
        let (first, second) = (" two replies", " in one element")
        text += first + second
        let replies: JSON = [
            [
                "replyId": "r-1", "groundedContent": ["content": ["role": "model", "text": .string(first)]],
                "unknown": ["text": "not this"],
            ],
            [
                "groundedContent": [
                    "content": ["role": "model", "text": .string(second), "unknown": ["text": "nor this"]]
                ]
            ],
        ]
        addElement(["answer": ["state": "IN_PROGRESS", "replies": replies]])
    }

    mutating func addError(_ error: GoogleError) { list.append(error.json) }

    mutating func addEnd(answer: JSON, sessionInfo: JSON) {
        addElement(["answer": answer, "sessionInfo": sessionInfo])
    }

    private mutating func add(content: JSON, grounding: JSON? = nil) {
        var grounded = JSONObject([("content", content)])
        if let grounding { grounded["textGroundingMetadata"] = grounding }
        var answer = JSONObject([
            ("state", "IN_PROGRESS"), ("replies", [["groundedContent": .object(grounded)]]),
        ])
        guard list.isEmpty else { return addElement(["answer": .object(answer)]) }
        answer["adkAuthor"] = "root_agent"
        list.append([
            "uToken": "AbCd-invented",
            "streamAssistResponse": [
                "answer": .object(answer), "sessionInfo": [:], "assistToken": "NMwKDA-invented",
            ],
        ])
    }

    private mutating func addElement(_ response: JSON) { list.append(["streamAssistResponse": response]) }
}
