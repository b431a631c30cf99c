/// Formats that hold parts, and are told apart by what those are: ISO media files, RIFF, Matroska, ASF, zip, OLE.
enum ContainerSniffer {
    static func type(_ head: MediaBytes) -> String? {
        iso(head) ?? riff(head) ?? matroska(head) ?? asf(head) ?? zip(head) ?? ole(head)
    }

    // MARK: - ISO base media files: MP4 and its kin, HEIF

    private static func iso(_ head: MediaBytes) -> String? {
        guard head.has("ftyp", at: 4), let size = head.bigEndian(4, at: 0), size >= 12,
            head.bigEndian(4, at: 8) != nil
        else {
            // QuickTime before there were brands.
            let boxes = ["moov", "mdat", "wide", "pnot"]
            let isOld = boxes.contains { head.has($0, at: 4) } && head[0] == 0 && (head.bigEndian(4, at: 0) ?? 0) >= 8
            return isOld ? "video/quicktime" : nil
        }
        if let type = brand(head, at: 8) { return type }
        // Pictures name what they are coded in further down; the further brands of films are of all sorts.
        let isPicture = head.has("mif1", at: 8) || head.has("msf1", at: 8)
        for place in stride(from: 16, to: min(size, 16 + 4 * 32), by: 4) where isPicture {
            if let type = brand(head, at: place), type.hasPrefix("image/") { return type }
        }
        return isPicture ? "image/heif" : "video/mp4"
    }

    private static func brand(_ head: MediaBytes, at start: Int) -> String? {
        for (brands, type) in brandTypes where brands.contains(where: { head.has($0, at: start) }) { return type }
        return nil
    }

    /// Brands that mean one type, by how they begin.
    private static let brandTypes: [([String], String)] = [
        (["heic", "heix", "heim", "heis", "hevc", "hevx", "hevm", "hevs"], "image/heic"),
        (["avif", "avis"], "image/avif"),
        (["qt  "], "video/quicktime"),
        (["M4A ", "M4B ", "M4P "], "audio/mp4"),
        (["M4V"], "video/x-m4v"),
        (["3gp", "3g2", "3ge", "3gg"], "video/3gpp"),
    ]

    // MARK: - RIFF, Matroska, ASF

    private static func riff(_ head: MediaBytes) -> String? {
        guard head.has("RIFF") else {
            let isAIFF = head.has("FORM") && (head.has("AIFF", at: 8) || head.has("AIFC", at: 8))
            return isAIFF ? "audio/aiff" : nil
        }
        if head.has("WEBP", at: 8) { return "image/webp" }
        if head.has("WAVE", at: 8) { return "audio/wav" }
        return head.has("AVI ", at: 8) ? "video/x-msvideo" : nil
    }

    private static func matroska(_ head: MediaBytes) -> String? {
        guard head.has([0x1A, 0x45, 0xDF, 0xA3]) else { return nil }
        return head.part(0, 128).find("webm") == nil ? "video/x-matroska" : "video/webm"
    }

    private static func asf(_ head: MediaBytes) -> String? {
        guard head.has([0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11]) else { return nil }
        // The type of a stream that is pictures.
        let pictures: [UInt8] = [0xC0, 0xEF, 0x19, 0xBC, 0x4D, 0x5B, 0xCF, 0x11]
        return head.part(0, 16 << 10).find(pictures) == nil ? "audio/x-ms-wma" : "video/x-ms-wmv"
    }

    // MARK: - Zip, and the documents that are zip files

    private static let entrySignature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
    /// How many entries, and how many bytes, are looked at.
    private static let (entryLimit, zipReach) = (64, 256 << 10)

    private static func zip(_ whole: MediaBytes) -> String? {
        guard whole.has(entrySignature) || whole.has([0x50, 0x4B, 0x05, 0x06]) else { return nil }
        let head = whole.part(0, zipReach)
        var start = 0
        for _ in 0..<entryLimit {
            guard head.has(entrySignature, at: start), let nameLength = head.littleEndian(2, at: start + 26),
                let extraLength = head.littleEndian(2, at: start + 28),
                let dataLength = head.littleEndian(4, at: start + 18)
            else { break }
            let name = head.part(start + 30, nameLength)
            let data = start + 30 + nameLength + extraLength
            if let type = document(name, head.part(data, 64)) { return type }
            // The length may only stand behind the data: then the next entry is looked for.
            let next = dataLength > 0 ? data + dataLength : head.find(entrySignature, from: data)
            guard let next else { break }
            start = next
        }
        return "application/zip"
    }

    private static func document(_ name: MediaBytes, _ data: MediaBytes) -> String? {
        let office = "application/vnd.openxmlformats-officedocument."
        if name.has("word/") { return office + "wordprocessingml.document" }
        if name.has("xl/") { return office + "spreadsheetml.sheet" }
        if name.has("ppt/") { return office + "presentationml.presentation" }
        let isBook = name.has("mimetype") && data.has("application/epub+zip")
        return isBook || name.has("META-INF/container.xml") ? "application/epub+zip" : nil
    }

    // MARK: - OLE, the form of older office documents

    private static func ole(_ head: MediaBytes) -> String? {
        guard head.has([0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]),
            let sizePower = head.littleEndian(2, at: 30), (7...16).contains(sizePower),
            let sector = head.littleEndian(4, at: 48), sector < 1 << 24
        else { return nil }
        let directory = (sector + 1) << sizePower
        // Entries of 128 bytes; their names are UTF-16. Which comes first is a matter of their order, not of time.
        for entry in 0..<min(32, (1 << sizePower) / 128) {
            let name = head.part(directory + 128 * entry, 64)
            for (stream, type) in oleStreams where name.has(stream) { return type }
        }
        return nil
    }

    private static let oleStreams: [([UInt8], String)] = [
        (wide("WordDocument"), "application/msword"), (wide("Workbook"), "application/vnd.ms-excel"),
        (wide("Book\0"), "application/vnd.ms-excel"), (wide("PowerPoint Document"), "application/vnd.ms-powerpoint"),
    ]

    private static func wide(_ text: String) -> [UInt8] { text.utf8.flatMap { [$0, 0] } }
}
