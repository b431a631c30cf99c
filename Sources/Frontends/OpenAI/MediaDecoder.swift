import PolluxCore

/// Reads the objects in which clients send media. Their bytes reach the provider unchanged.
extension JSON {
    /// `{url, detail?}`; some clients write the URL alone.
    func asImage() throws(FieldFault) -> Media {
        switch self {
        case .string: return try asImageSource()
        case .object(let image):
            var media = try image.require("url", JSON.asImageSource)
            let detail: ImageDetail? = try image.optional("detail", JSON.asChoice)
            media.detail = detail?.rawValue
            return media
        default: throw .wrongType(self, expected: "an object with a url")
        }
    }

    private enum ImageDetail: String, CaseIterable { case auto, low, high }

    private func asImageSource() throws(FieldFault) -> Media {
        let url = try asString()
        if DataURL.isDataURL(url) {
            let data = try DataURL(url)
            let kind = data.mimeType.isEmpty ? .image : Media.kind(of: data.mimeType)
            return Media(kind, mimeType: data.mimeType, .inline(data.bytes))
        }
        let start = url.prefix(8).lowercased()
        guard start.hasPrefix("https://") || start.hasPrefix("http://") else {
            throw FieldFault("must be a data URL or begin with https:// or http://", code: "invalid_image_url")
        }
        guard url.utf8.count <= 8192 else {
            throw FieldFault("is longer than 8192 bytes", code: "invalid_image_url")
        }
        return Media(.image, mimeType: "", .url(url))
    }

    /// `{data, format}`.
    func asAudio() throws(FieldFault) -> Media {
        let audio = try asObject()
        let format = try audio.require("format", JSON.asAudioFormat)
        return Media(.audio, mimeType: "audio/\(format)", .inline(try audio.require("data", JSON.asBytes)))
    }

    private func asAudioFormat() throws(FieldFault) -> String {
        let format = try asName()
        guard format.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }) else {
            throw FieldFault("must be a format such as 'wav' or 'mp3'")
        }
        return format
    }

    private func asBytes() throws(FieldFault) -> [UInt8] { try decodeBase64(Array(try asString().utf8)) }

    /// `{file_data?, file_id?, filename?}`.
    func asFile() throws(FieldFault) -> Media {
        let file = try asObject()
        let name = try file.optional("filename", JSON.asName)
        if let id = try file.optional("file_id", JSON.asName) {
            return Media(.document, mimeType: "", .file(id: id), displayName: name)
        }
        var media = try file.require("file_data", JSON.asFileData)
        media.displayName = name
        return media
    }

    /// A data URL; some clients send bare Base64 beside a file name.
    private func asFileData() throws(FieldFault) -> Media {
        let text = try asString()
        guard DataURL.isDataURL(text) else { return Media(.document, mimeType: "", .inline(try asBytes())) }
        let data = try DataURL(text)
        return Media(Media.kind(of: data.mimeType), mimeType: data.mimeType, .inline(data.bytes))
    }
}
