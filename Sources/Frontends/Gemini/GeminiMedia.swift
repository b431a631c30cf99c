import PolluxCore

/// Reads the objects in which this format carries media and code.
extension JSON {
    /// `{mimeType, data, displayName?}`. The Base64 of the official SDKs comes in either alphabet, padded or not.
    func asInlineMedia() throws(FieldFault) -> Media {
        let object = try asObject()
        var (mimeType, name) = ("", String?.none)
        var bytes: [UInt8]?
        try object.forEachField { (field, value) throws(FieldFault) in
            switch field {
            case "mimeType": mimeType = try value.asMimeType()
            case "data": bytes = try decodeBase64(Array(try value.asString().utf8))
            case "displayName": name = try value.asString()
            default: break
            }
        }
        guard let bytes else { throw .missing("data") }
        guard !mimeType.isEmpty else { throw .missing("mimeType") }
        return Media(Media.kind(of: mimeType), mimeType: mimeType, .inline(bytes), displayName: name)
    }

    /// `{fileUri, mimeType?, displayName?}`.
    func asFileMedia() throws(FieldFault) -> Media {
        let object = try asObject()
        var (mimeType, name) = ("", String?.none)
        var uri: String?
        try object.forEachField { (field, value) throws(FieldFault) in
            switch field {
            case "mimeType": mimeType = try value.asMimeType()
            case "fileUri": uri = try value.asFileURI()
            case "displayName": name = try value.asString()
            default: break
            }
        }
        guard let uri else { throw .missing("fileUri") }
        // Without a type it is what such links lead to: a film.
        return Media(
            mimeType.isEmpty ? .video : Media.kind(of: mimeType), mimeType: mimeType, .url(uri), displayName: name)
    }

    /// In lower case, without parameters.
    private func asMimeType() throws(FieldFault) -> String {
        let type = try asName().lowercased().prefix { $0 != ";" && $0 != " " }
        let slash = type.firstIndex(of: "/")
        guard let slash, slash != type.startIndex, type.index(after: slash) != type.endIndex,
            type.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C })
        else { throw FieldFault("must be a media type such as 'image/png'") }
        return String(type)
    }

    private func asFileURI() throws(FieldFault) -> String {
        let uri = try asString()
        guard uri.utf8.count <= FetchURL.maxBytes else {
            throw FieldFault("is longer than \(FetchURL.maxBytes) bytes", code: "invalid_image_url")
        }
        let segments = uri.split(separator: "/")
        if segments.count >= 2, segments[segments.count - 2] == "files",
            segments.count == 2 || segments[segments.count - 3].hasPrefix("v1")
        {
            throw FieldFault(
                "names an uploaded file, and this gateway takes no uploads yet; send the bytes as 'inlineData'",
                code: "unsupported_parameter")
        }
        let start = uri.prefix(8).lowercased()
        guard ["https://", "http://", "gs://"].contains(where: { start.hasPrefix($0) }) else {
            throw FieldFault("must begin with https://, http:// or gs://", code: "invalid_image_url")
        }
        return uri
    }

    /// Code and its output as text, for upstreams to which it is nothing else.
    func asCodeText() throws(FieldFault) -> String {
        let object = try asObject()
        var (language, text) = ("", "")
        try object.forEachField { (field, value) throws(FieldFault) in
            switch field {
            case "code", "output": text = try value.asString()
            case "language": language = try value.asString().lowercased()
            default: break
            }
        }
        let name = language.hasPrefix("language_") ? "" : language.filter { $0.isASCII && $0.isLetter }
        return "```\(name)\n\(text)\n```\n"
    }
}
