import PolluxCore

/// Where clients say how they want images: the same in every format. The header wins over the body.
enum MediaOutputField {
    static let header = "x-pollux-media-output"
    static let field = "media_output"
    private static let spellings = [field, "mediaOutput"]

    /// - Throws: The fault of the header or the field.
    static func read(_ body: JSONObject, _ head: HTTPRequestHead) throws(FieldFault) -> MediaOutput? {
        if let value = head.fields[header] {
            do { return try JSON.string(value).asChoice() } catch { throw error.inside(header) }
        }
        for spelling in spellings {
            if let output: MediaOutput = try body.optional(spelling, JSON.asChoice) { return output }
        }
        return nil
    }
}
