import PolluxCore

/// What a JSON value looks like. One description serves three times: it checks what comes in, it stands in the OpenAPI
/// document, and tests hold answers against it. So none of them can drift from the others.
public struct Shape: Sendable {
    public indirect enum Kind: Sendable {
        /// Any JSON value.
        case any
        case boolean
        case integer(ClosedRange<Int>)
        case number
        case text(TextRule)
        case choice([String])
        case list(of: Shape, atMost: Int)
        /// - Parameter others: What members look like that are not listed; `nil` refuses them.
        case object([Member], others: Shape?)
        case either([Shape])
    }

    public struct Member: Sendable {
        public var name: String
        public var shape: Shape
        public var isRequired: Bool
        public var help: String
    }

    /// What a text must be, beside its length in Unicode scalars.
    public struct TextRule: Sendable {
        public enum Form: Sendable {
            /// No control characters.
            case line
            /// Anything.
            case free
            /// RFC 3339.
            case time
            case base64URL
        }
        public var form: Form
        public var length: ClosedRange<Int>
    }

    public var kind: Kind
    public var isNullable = false
    /// Under which it stands once in the document.
    public var name: String?

    public init(_ kind: Kind) { self.kind = kind }

    public static let any = Shape(.any)
    public static let boolean = Shape(.boolean)
    public static let number = Shape(.number)
    public static let integer = Shape(.integer(.min ... .max))
    public static let count = Shape(.integer(0 ... .max))
    /// RFC 3339.
    public static let time = Shape(.text(TextRule(form: .time, length: 20...40)))
    /// Any text, as answers hold it.
    public static let text = free(0...1_000_000)

    public static func integer(_ range: ClosedRange<Int>) -> Shape { Shape(.integer(range)) }
    public static func line(_ length: ClosedRange<Int>) -> Shape { Shape(.text(TextRule(form: .line, length: length))) }
    public static func free(_ length: ClosedRange<Int>) -> Shape { Shape(.text(TextRule(form: .free, length: length))) }
    public static func choice(_ words: [String]) -> Shape { Shape(.choice(words)) }
    public static func list(of shape: Shape, atMost count: Int = 10_000) -> Shape {
        Shape(.list(of: shape, atMost: count))
    }
    public static func object(_ members: [Member], others: Shape? = nil) -> Shape {
        Shape(.object(members, others: others))
    }
    public static func either(_ shapes: [Shape]) -> Shape { Shape(.either(shapes)) }

    public func named(_ name: String) -> Shape {
        var shape = self
        shape.name = name
        return shape
    }

    public var orNull: Shape {
        var shape = self
        shape.isNullable = true
        shape.name = nil
        return shape
    }
}

extension Shape.Member {
    public static func required(_ name: String, _ shape: Shape, _ help: String = "") -> Shape.Member {
        Shape.Member(name: name, shape: shape, isRequired: true, help: help)
    }
    public static func optional(_ name: String, _ shape: Shape, _ help: String = "") -> Shape.Member {
        Shape.Member(name: name, shape: shape, isRequired: false, help: help)
    }
}
