/// The types of files that the gateway knows, by MIME type and by extension (Gemini Business notes, section 8).
///
/// The upstream decides what it takes; this table says what a file is called, and what it is when only its name tells.
public enum MediaTypes {
    /// The type that an extension stands for; `nil` for one that is not known.
    ///
    /// - Parameter fileExtension: Without a dot, in any case.
    public static func mimeType(ofExtension fileExtension: String) -> String? {
        byExtension[fileExtension.lowercased()]
    }

    /// The usual extension of a type, without a dot.
    public static func fileExtension(of mimeType: String) -> String? {
        byType[plain(mimeType)].flatMap { rows[$0].extensions.first }
    }

    /// All extensions that a type may have; the usual one first.
    public static func extensions(of mimeType: String) -> [String] {
        byType[plain(mimeType)].map { rows[$0].extensions } ?? []
    }

    /// A type in the one spelling used here: `audio/x-wav` is `audio/wav`. Parameters are dropped.
    ///
    /// - Returns: `nil` for a type that is not in the table.
    public static func canonical(_ mimeType: String) -> String? {
        byType[plain(mimeType)].map { rows[$0].types[0] }
    }

    /// Lower case, without parameters and blanks; empty for what is too long to be a type.
    public static func plain(_ mimeType: String) -> String {
        guard mimeType.utf8.count <= 1024 else { return "" }
        let bytes = mimeType.utf8.prefix { $0 != UInt8(ascii: ";") }.filter { $0 > 0x20 && $0 != 0x7F }
        return String(decoding: bytes, as: UTF8.self).lowercased()
    }

    /// Types that no upstream takes, so that nobody uploads them in vain.
    public static func isRefused(_ mimeType: String) -> Bool {
        ["application/x-rar-compressed", "application/x-7z-compressed"].contains(canonical(mimeType))
    }

    /// Text of some sort, which bytes cannot tell from other text.
    public static func isText(_ mimeType: String) -> Bool {
        guard let type = canonical(mimeType) else { return plain(mimeType).hasPrefix("text/") }
        return type.hasPrefix("text/") || textual.contains(type)
    }

    /// Says nothing about the content: what servers send for want of knowledge.
    static func isGeneric(_ mimeType: String) -> Bool {
        [
            "", "application/octet-stream", "binary/octet-stream", "application/binary", "application/unknown",
            "application/x-download", "application/force-download", "multipart/form-data",
        ].contains(plain(mimeType))
    }

    private static let textual: Set<String> = [
        "application/rtf", "application/typescript", "application/sql", "application/json", "application/toml",
        "application/jsonlines", "image/svg+xml",
    ]

    private struct Row {
        /// The usual one first.
        let extensions: [String]
        /// The one used here first.
        let types: [String]
    }

    private static let byExtension: [String: String] = {
        var table: [String: String] = [:]
        for row in rows { for name in row.extensions where table[name] == nil { table[name] = row.types[0] } }
        return table
    }()

    private static let byType: [String: Int] = {
        var table: [String: Int] = [:]
        for (index, row) in rows.enumerated() { for type in row.types where table[type] == nil { table[type] = index } }
        return table
    }()

    /// A file of several sorts of text has the row of the first type that is named for it.
    private static let rows: [Row] = text.split(separator: "\n").compactMap { line in
        let words = line.split(separator: " ").map(String.init)
        let types = words.filter { $0.contains("/") }
        return types.isEmpty ? nil : Row(extensions: words.filter { !$0.contains("/") }, types: types)
    }

    /// A line for each: extensions, then types.
    private static let text = """
        png image/png image/x-png
        jpg jpeg jpe jfif image/jpeg image/jpg image/pjpeg
        webp image/webp
        gif image/gif
        bmp image/bmp image/x-ms-bmp image/x-bmp
        tiff tif image/tiff
        svg image/svg+xml
        ico image/x-icon image/vnd.microsoft.icon
        heic image/heic image/heic-sequence
        heif image/heif image/heif-sequence
        avif image/avif
        pdf application/pdf application/x-pdf
        txt text log ini env properties conf cfg text/plain
        md markdown text/markdown text/x-markdown
        html htm xhtml text/html application/xhtml+xml
        xml text/xml application/xml
        csv text/csv application/csv
        tsv text/tab-separated-values
        rtf application/rtf text/rtf
        tex text/x-tex application/x-tex
        docx application/vnd.openxmlformats-officedocument.wordprocessingml.document
        doc application/msword
        xlsx application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
        xls application/vnd.ms-excel
        pptx application/vnd.openxmlformats-officedocument.presentationml.presentation
        ppt application/vnd.ms-powerpoint
        gdoc application/vnd.google-apps.document
        gsheet application/vnd.google-apps.spreadsheet
        gslides application/vnd.google-apps.presentation
        py text/x-python application/x-python text/x-script.python
        js mjs cjs text/javascript application/javascript application/x-javascript
        ts application/typescript text/typescript
        java text/x-java-source text/x-java
        jsx text/jsx
        tsx text/tsx
        c h text/x-c text/x-csrc
        cpp cc cxx hpp text/x-c++ text/x-c++src
        cs text/x-csharp
        go text/x-go
        rs text/x-rust
        php text/x-php application/x-httpd-php
        rb text/x-ruby
        swift text/x-swift
        kt text/x-kotlin
        scala text/x-scala
        sh bash text/x-shellscript application/x-sh
        ps1 text/x-powershell
        sql application/sql text/x-sql
        r text/x-r
        m text/x-matlab
        css text/css
        json application/json text/json
        scss text/x-scss
        sass text/x-sass
        less text/x-less
        yaml yml text/yaml application/x-yaml application/yaml text/x-yaml
        toml application/toml
        vue text/x-vue
        svelte text/x-svelte
        mp3 audio/mpeg audio/mp3 audio/x-mp3 audio/x-mpeg
        wav audio/wav audio/x-wav audio/wave audio/vnd.wave
        aac audio/aac audio/x-aac
        m4a audio/mp4 audio/m4a audio/x-m4a
        ogg oga audio/ogg application/ogg
        flac audio/flac audio/x-flac
        aiff aif audio/aiff audio/x-aiff
        wma audio/x-ms-wma
        opus audio/opus
        amr audio/amr
        mp4 video/mp4
        mov video/quicktime
        avi video/x-msvideo video/avi
        mpeg mpg video/mpeg
        webm video/webm audio/webm
        flv video/x-flv
        wmv asf video/x-ms-wmv video/x-ms-asf
        mkv video/x-matroska
        3gp 3gpp video/3gpp
        m4v video/x-m4v
        jsonl ndjson application/jsonlines application/x-ndjson application/jsonl
        parquet application/x-parquet application/vnd.apache.parquet
        avro application/avro
        zip application/zip application/x-zip-compressed
        tar application/x-tar
        gz tgz application/gzip application/x-gzip
        rar application/x-rar-compressed application/vnd.rar application/x-rar
        7z application/x-7z-compressed
        epub application/epub+zip
        mobi application/x-mobipocket-ebook
        """
}
