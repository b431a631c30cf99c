/// Header fields in the order they arrived; names are kept in lower case.
///
/// A linear list: a request carries a dozen fields, and comparing short strings is cheaper than hashing them.
public struct HTTPFields: Sendable, Equatable, ExpressibleByDictionaryLiteral, Sequence {
    public struct Field: Sendable, Equatable {
        public let name: String
        public let value: String

        /// - Parameter name: Already in lower case.
        @inlinable
        public init(name: String, value: String) { (self.name, self.value) = (name, value) }
    }

    @usableFromInline var fields: [Field]

    @inlinable
    public init() { fields = [] }

    /// - Parameter fields: Names already in lower case.
    @inlinable
    public init(_ fields: [Field]) { self.fields = fields }

    /// Names must be written in lower case.
    public init(dictionaryLiteral elements: (String, String)...) {
        fields = elements.map { Field(name: $0.0, value: $0.1) }
    }

    @inlinable
    public var count: Int { fields.count }

    /// The first value under a lower-case name.
    @inlinable
    public subscript(name: String) -> String? {
        // A span lends what a loop over the array would copy.
        let all = fields.span
        for index in all.indices where all[index].name == name { return all[index].value }
        return nil
    }

    /// Every value under a lower-case name.
    public func values(of name: String) -> [String] {
        fields.compactMap { $0.name == name ? $0.value : nil }
    }

    /// Lends each of them in turn: nothing is copied.
    @inlinable
    public func forEach(_ body: (borrowing Field) -> Void) {
        let all = fields.span
        for index in all.indices { body(all[index]) }
    }

    @inlinable
    public mutating func append(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Appends fields whose names are in lower case.
    @inlinable
    public mutating func append(contentsOf more: [Field]) { fields.append(contentsOf: more) }

    /// Makes room for so many fields in all.
    @inlinable
    public mutating func reserveCapacity(_ count: Int) { fields.reserveCapacity(count) }

    /// Replaces every value under a lower-case name.
    public mutating func set(_ name: String, _ value: String) {
        fields.removeAll { $0.name == name }
        fields.append(Field(name: name, value: value))
    }

    @inlinable
    public func makeIterator() -> IndexingIterator<[Field]> { fields.makeIterator() }
}
