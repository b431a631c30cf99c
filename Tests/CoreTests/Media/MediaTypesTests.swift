import PolluxCore
import Testing

@Suite("Types of files by name")
struct MediaTypesTests {
    @Test("every row of the upstream's table is known both ways", arguments: mediaTypeRows)
    func table(_ row: MediaTypeRow) throws {
        for name in row.extensions {
            #expect(MediaTypes.mimeType(ofExtension: name.uppercased()) == row.types[0], "\(name)")
        }
        for type in row.types {
            #expect(MediaTypes.canonical(type.uppercased() + "; charset=utf-8") == row.types[0], "\(type)")
            let usual = try #require(MediaTypes.fileExtension(of: type))
            #expect(MediaTypes.mimeType(ofExtension: usual) == row.types[0])
        }
    }

    @Test("archives that nobody takes are known as such, and unknown types are not known")
    func refused() {
        #expect(MediaTypes.isRefused("application/vnd.rar") && MediaTypes.isRefused("application/x-7z-compressed"))
        #expect(!MediaTypes.isRefused("application/zip") && !MediaTypes.isRefused("application/x-foo"))
        #expect(MediaTypes.canonical("application/x-foo") == nil)
        #expect(MediaTypes.mimeType(ofExtension: "foo") == nil)
    }

    @Test("names are made plain and get an extension that fits")
    func names() {
        for (wish, type, expected) in [
            ("photo.PNG", "image/png", "photo.png"), ("photo.jpeg", "image/jpeg", "photo.jpeg"),
            ("photo.png", "image/jpeg", "photo.png.jpg"), ("../../etc/passwd", "text/plain", "passwd.txt"),
            ("C:\\temp\\a.pdf", "application/pdf", "a.pdf"), ("main.py", "text/plain", "main.py"),
            ("a\u{0}b\r\n\"c\".csv", "text/csv", "a_b_c_.csv"), (".bashrc", "text/plain", "bashrc.txt"),
            ("", "image/svg+xml", "file.svg"), ("отчёт 1.docx", "application/pdf", "отчёт_1.docx.pdf"),
            ("...", "audio/mpeg", "file.mp3"), ("x", "application/x-foo", "x"),
        ] {
            #expect(MediaFileName.make(wish, for: type) == expected, "\(wish)")
        }
        let long = MediaFileName.make(String(repeating: "ж", count: 5000) + ".png", for: "image/png")
        #expect(long.utf8.count <= 120 && long.hasSuffix("ж.png"))
    }
}

struct MediaTypeRow: Sendable {
    let extensions: [String]
    let types: [String]
}

let mediaTypeRows: [MediaTypeRow] = mediaTypeText.split(separator: "\n").map { line in
    let words = line.split(separator: " ").map(String.init)
    return MediaTypeRow(extensions: words.filter { !$0.contains("/") }, types: words.filter { $0.contains("/") })
}

/// Gemini Business notes, section 8.
private let mediaTypeText = """
    png image/png
    jpg jpeg image/jpeg
    webp image/webp
    gif image/gif
    bmp image/bmp
    tif tiff image/tiff
    svg image/svg+xml
    ico image/x-icon
    heic image/heic
    heif image/heif
    avif image/avif
    pdf application/pdf
    txt text/plain
    md text/markdown
    html htm text/html
    xml text/xml application/xml
    csv text/csv
    tsv text/tab-separated-values
    rtf application/rtf
    tex text/x-tex
    docx application/vnd.openxmlformats-officedocument.wordprocessingml.document
    doc application/msword
    xlsx application/vnd.openxmlformats-officedocument.spreadsheetml.sheet
    xls application/vnd.ms-excel
    pptx application/vnd.openxmlformats-officedocument.presentationml.presentation
    ppt application/vnd.ms-powerpoint
    gdoc application/vnd.google-apps.document
    gsheet application/vnd.google-apps.spreadsheet
    gslides application/vnd.google-apps.presentation
    py text/x-python application/x-python
    js text/javascript application/javascript
    ts application/typescript text/typescript
    java text/x-java-source
    jsx text/jsx
    tsx text/tsx
    c text/x-c
    cpp cc cxx text/x-c++
    cs text/x-csharp
    go text/x-go
    rs text/x-rust
    php text/x-php
    rb text/x-ruby
    swift text/x-swift
    kt text/x-kotlin
    scala text/x-scala
    sh bash text/x-shellscript
    ps1 text/x-powershell
    sql application/sql text/x-sql
    r text/x-r
    m text/x-matlab
    css text/css
    json application/json
    scss text/x-scss
    sass text/x-sass
    less text/x-less
    yaml yml text/yaml application/x-yaml
    toml application/toml
    vue text/x-vue
    svelte text/x-svelte
    mp3 audio/mpeg audio/mp3
    wav audio/wav audio/x-wav
    aac audio/aac
    m4a audio/mp4 audio/m4a
    ogg audio/ogg
    flac audio/flac
    aif aiff audio/aiff
    wma audio/x-ms-wma
    opus audio/opus
    amr audio/amr
    mp4 video/mp4
    mov video/quicktime
    avi video/x-msvideo
    mpg mpeg video/mpeg
    webm video/webm
    flv video/x-flv
    wmv video/x-ms-wmv
    mkv video/x-matroska
    3gp 3gpp video/3gpp
    m4v video/x-m4v
    jsonl application/jsonlines
    parquet application/x-parquet
    avro application/avro
    zip application/zip
    tar application/x-tar
    gz application/gzip
    rar application/x-rar-compressed
    7z application/x-7z-compressed
    ini env properties text/plain
    epub application/epub+zip
    mobi application/x-mobipocket-ebook
    """
