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
            let data = try asDataURL(url)
            let kind = data.mimeType.isEmpty ? .image : Media.kind(of: data.mimeType)
            return Media(kind, mimeType: data.mimeType, .inline(data.bytes))
        }
        guard Self.isWebAddress(url) else {
            throw FieldFault("must be a data URL or begin with https:// or http://", code: "invalid_image_url")
        }
        return try asWebMedia(.image)
    }

    private static func isWebAddress(_ text: String) -> Bool {
        let start = text.prefix(8).lowercased()
        return start.hasPrefix("https://") || start.hasPrefix("http://")
    }

    /// What it is shows when it has been fetched.
    private func asWebMedia(_ kind: Media.Kind) throws(FieldFault) -> Media {
        let url = try asString()
        guard url.utf8.count <= FetchURL.maxBytes else {
            throw FieldFault("is longer than \(FetchURL.maxBytes) bytes", code: "invalid_image_url")
        }
        return Media(kind, mimeType: "", .url(url))
    }

    /// One code for all that is wrong with a URL, whatever its scheme.
    private func asDataURL(_ text: String) throws(FieldFault) -> DataURL {
        do {
            return try DataURL(text)
        } catch {
            throw FieldFault(error.problem, code: "invalid_image_url", path: error.path)
        }
    }

    /// `{data, format}`.
    func asAudio() throws(FieldFault) -> Media {
        let audio = try asObject()
        let format = try audio.require("format", JSON.asAudioFormat)
        return Media(.audio, mimeType: format, .inline(try audio.require("data", JSON.asBytes)))
    }

    /// - Returns: The MIME type that a format such as `mp3` stands for.
    private func asAudioFormat() throws(FieldFault) -> String {
        let format = try asName()
        guard format.utf8.allSatisfy({ (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }) else {
            throw FieldFault("must be a format such as 'wav' or 'mp3'")
        }
        if let known = MediaTypes.mimeType(ofExtension: format), known.hasPrefix("audio/") { return known }
        return "audio/\(format)"
    }

    private func asBytes() throws(FieldFault) -> [UInt8] { try decodeBase64(Array(try asString().utf8)) }

    /// `{file_data?, file_url?, file_id?, filename?}`.
    func asFile() throws(FieldFault) -> Media {
        let file = try asObject()
        let name = try file.optional("filename", JSON.asName)
        if let id = try file.optional("file_id", JSON.asName) {
            return Media(.document, mimeType: "", .file(id: id), displayName: name)
        }
        let byURL: Media? = try file.optional("file_url", JSON.asFileData)
        var media = if let byURL { byURL } else { try file.require("file_data", JSON.asFileData) }
        media.displayName = name
        return media
    }

    /// A data URL or an address on the web; some clients send bare Base64 beside a file name.
    private func asFileData() throws(FieldFault) -> Media {
        let text = try asString()
        if Self.isWebAddress(text) { return try asWebMedia(.document) }
        guard DataURL.isDataURL(text) else { return Media(.document, mimeType: "", .inline(try asBytes())) }
        let data = try asDataURL(text)
        return Media(Media.kind(of: data.mimeType), mimeType: data.mimeType, .inline(data.bytes))
    }
}
