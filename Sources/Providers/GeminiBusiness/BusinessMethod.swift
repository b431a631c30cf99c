internal import PolluxCore

/// The methods in use, by their path's last part.
///
/// Source: Gemini Business protocol notes, section 4.
enum BusinessMethod: String {
    case createSession = "widgetCreateSession"
    case addContextFile = "widgetAddContextFile"
    case streamAssist = "widgetStreamAssist"
    case listFiles = "widgetListSessionFileMetadata"
    case deleteSession = "widgetDeleteSession"

    /// The body's member for the request.
    var requestMember: StaticString {
        switch self {
        case .createSession: "createSessionRequest"
        case .addContextFile: "addContextFileRequest"
        case .streamAssist: "streamAssistRequest"
        case .listFiles: "listSessionFileMetadataRequest"
        case .deleteSession: "deleteSessionRequest"
        }
    }

    var step: BusinessStep {
        switch self {
        case .createSession: .session
        case .addContextFile: .upload
        case .streamAssist: .answer
        case .listFiles: .files
        case .deleteSession: .deletion
        }
    }

    /// `nil` takes what the operator set for answers.
    var deadlines: TransferDeadlines? {
        switch self {
        case .createSession, .listFiles, .deleteSession: .businessShortCall
        case .addContextFile: .businessUpload
        case .streamAssist: nil
        }
    }

    func body(configID: String, _ write: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter(capacity: 1024)
        writer.beginObject()
        writer.member("configId", configID)
        writer.key("additionalParams")
        writer.beginObject()
        writer.member("token", "-")
        writer.endObject()
        writer.key(requestMember)
        write(&writer)
        writer.endObject()
        return writer.bytes
    }
}

extension TransferDeadlines {
    /// For the calls around an answer, which the upstream answers at once.
    static let businessShortCall = TransferDeadlines(firstByte: .seconds(30), gap: .seconds(30), total: .seconds(30))
    static let businessUpload = TransferDeadlines(firstByte: .seconds(60), gap: .seconds(60), total: .seconds(60))
    static let businessDownload = TransferDeadlines(firstByte: .seconds(60), gap: .seconds(60), total: .seconds(180))
}
