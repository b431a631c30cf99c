/// What the parser refuses, and how far it goes.
public struct JSONParseOptions: Sendable {
    /// How a `\uD800`…`\uDFFF` escape without its other half is taken.
    public enum LoneSurrogates: Sendable {
        case refuse
        /// U+FFFD takes its place.
        case replace
    }
    /// How a key that an object already has is taken.
    public enum DuplicateKeys: Sendable {
        case refuse
        /// The last value counts, at the place of the first.
        case lastWins
    }
    /// How bytes below 0x20 inside a string are taken.
    public enum RawControlCharacters: Sendable { case refuse, accept }
    /// How a number beyond the range of a double, or with more than 1,000 characters, is taken.
    public enum ExtremeNumbers: Sendable {
        case refuse
        /// The text is kept; `double` and `int` are nil where they cannot hold it.
        case keepText
    }

    /// Containers inside each other, at most `depthCeiling`.
    public var maxDepth: Int
    /// Values in the whole text, containers included, keys not.
    public var maxValues: Int
    public var loneSurrogates: LoneSurrogates
    public var duplicateKeys: DuplicateKeys
    public var rawControlCharacters: RawControlCharacters
    public var extremeNumbers: ExtremeNumbers

    public init(
        maxDepth: Int = 128, maxValues: Int = 200_000, loneSurrogates: LoneSurrogates = .refuse,
        duplicateKeys: DuplicateKeys = .refuse, rawControlCharacters: RawControlCharacters = .refuse,
        extremeNumbers: ExtremeNumbers = .refuse
    ) {
        self.maxDepth = maxDepth
        self.maxValues = maxValues
        self.loneSurrogates = loneSurrogates
        self.duplicateKeys = duplicateKeys
        self.rawControlCharacters = rawControlCharacters
        self.extremeNumbers = extremeNumbers
    }

    /// A larger `maxDepth` counts as this: freeing a tree is recursive, so its depth must stay bounded.
    public static let depthCeiling = 512

    var effectiveMaxDepth: Int { min(maxDepth, Self.depthCeiling) }

    /// For what clients send: everything doubtful is refused (requirements J-1 to J-4, H-13).
    public static let client = JSONParseOptions()

    /// For what upstreams answer: their faults must not cost the client its answer, so whatever has one sensible
    /// reading is accepted.
    public static let upstream = JSONParseOptions(
        loneSurrogates: .replace, duplicateKeys: .lastWins, rawControlCharacters: .accept, extremeNumbers: .keepText)
}
