internal import PolluxCore

/// A prompt, apart by what may travel as a file when it is long.
struct Prompt: Sendable, Equatable {
    /// What stands before the conversation.
    private let head: String
    /// Turns before the latest.
    private let earlier: [String]
    private let latest: String
    /// What has to be uploaded beside it, in the order of its numbers in the text.
    let media: [PromptMedia]

    private let isBare: Bool

    init(head: String, earlier: [String], latest: String, media: [PromptMedia]) {
        (self.head, self.earlier, self.latest, self.media) = (head, earlier, latest, media)
        isBare = false
    }

    /// A message that is sent as it is.
    init(bare message: String, media: [PromptMedia]) {
        (head, earlier, latest, self.media) = ("", [], message, media)
        isBare = true
    }

    /// All of it.
    var text: String {
        if isBare { return latest }
        return lead + (["# CONVERSATION"] + earlier + [latest]).joined(separator: "\n")
    }

    private var lead: String { head.isEmpty ? "" : head + "\n\n" }
}

/// A prompt in the form in which it is sent.
struct FittedPrompt: Sendable, Equatable {
    var text: String
    /// To be uploaded as `Prompt.fileName`, text/plain, before the prompt is sent.
    var conversation: [UInt8]?
}

extension Prompt {
    static let fileName = "conversation.txt"

    /// The prompt, whole if it fits. Some upstreams cut the tail of a longer one without a word, so then everything
    /// before the latest message goes into a file; nothing is ever left out.
    ///
    /// - Parameter maxFileBytes: `nil` where nothing can be uploaded.
    /// - Throws: `contextTooLong` when that does not fit either.
    func fitted(maxPromptBytes: Int, maxFileBytes: Int?) throws(GatewayError) -> FittedPrompt {
        let whole = text
        let size = whole.utf8.count
        if size <= maxPromptBytes { return FittedPrompt(text: whole) }
        guard let maxFileBytes else {
            throw Self.tooLong(
                "\(size) bytes; \(maxPromptBytes) fit, and this account cannot upload the rest as a file")
        }
        guard !earlier.isEmpty else {
            throw Self.tooLong("\(size) bytes; \(maxPromptBytes) fit into one message")
        }
        let file = (["# CONVERSATION"] + earlier).joined(separator: "\n") + "\n"
        let short = lead + "# CONVERSATION\n" + Self.pointer + "\n" + latest
        guard file.utf8.count <= maxFileBytes else {
            throw Self.tooLong("\(file.utf8.count) bytes before its latest message; \(maxFileBytes) fit into a file")
        }
        guard short.utf8.count <= maxPromptBytes else {
            let what = "\(short.utf8.count) bytes without its earlier messages; \(maxPromptBytes) fit into one message"
            throw Self.tooLong(what)
        }
        return FittedPrompt(text: short, conversation: Array(file.utf8))
    }

    private static let pointer =
        "The conversation so far is in the attached file \(fileName). Read it first; its latest message follows here."

    private static func tooLong(_ what: String) -> GatewayError {
        GatewayError(
            .contextTooLong, .request,
            "the conversation has \(what); shorten it, or choose a model of another provider", param: "messages")
    }
}

/// A file of the conversation, for the provider to upload or refuse.
struct PromptMedia: Sendable, Equatable {
    /// Counted from 1; `[attachment 1]` marks its place in the text.
    var number: Int
    var media: Media
    /// Whether the user sent it, in a message or as what a function answered; else the model made it.
    var isFromUser: Bool
}
