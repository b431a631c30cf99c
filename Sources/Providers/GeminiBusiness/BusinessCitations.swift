internal import PolluxCore

/// Reads the sources of a reply.
///
/// Shape: `segments[]` with byte offsets into the UTF-8 text of the reply (end exclusive; int64, so written as strings;
/// zero may be left out) and indices into `references[]`.
/// Source: the public Discovery Engine schema, `textGroundingMetadata`.
enum BusinessCitations {
    /// - Parameters:
    ///   - place: From an offset in the reply to the offset in the whole answer.
    ///   - limit: The length of the answer so far; a range beyond it is cut.
    static func read(_ metadata: JSON, limit: Int, place: (Int) -> Int) -> [Citation] {
        guard let segments = metadata["segments"]?.array, let references = metadata["references"]?.array else {
            return []
        }
        var citations: [Citation] = []
        for segment in segments {
            let start = min(place(offset(segment["startIndex"])), limit)
            let end = min(place(offset(segment["endIndex"])), limit)
            guard start < end else { continue }
            for index in segment["referenceIndices"]?.array ?? [] {
                guard let index = index.int, references.indices.contains(index),
                    let source = references[index]["documentMetadata"], let url = source["uri"]?.string, !url.isEmpty
                else { continue }
                let title = source["title"]?.string ?? source["domain"]?.string ?? ""
                citations.append(Citation(url: url, title: title, range: start..<end))
            }
        }
        return citations
    }

    private static func offset(_ value: JSON?) -> Int {
        let number = value?.int ?? value?.string.flatMap { Int($0) } ?? 0
        return max(0, number)
    }
}
