/// Text in pieces, as models send it.
enum TextPieces {
    /// Pieces of nearly equal length, cut between Unicode scalars; three or more where the text is long enough.
    ///
    /// - Parameter count: nil chooses by the length of the text.
    static func cut(_ text: String, into count: Int? = nil) -> [String] {
        let scalars = Array(text.unicodeScalars)
        let wanted = count ?? max(3, min(scalars.count / 12, 24))
        let pieces = max(1, min(wanted, scalars.count))
        return (0..<pieces).map { index in
            var piece = String.UnicodeScalarView()
            piece.append(contentsOf: scalars[scalars.count * index / pieces..<scalars.count * (index + 1) / pieces])
            return String(piece)
        }
    }
}
