/// Key and value in one call. With a literal key the compile-time form is chosen, which is copied without a look.
extension JSONWriter {
    public mutating func member(_ name: StaticString, _ value: String) {
        key(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: Int) {
        key(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: Int64) {
        key(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: Double) {
        key(name)
        self.value(value)
    }

    public mutating func member(_ name: StaticString, _ value: Bool) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: StaticString, _ value: JSON) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: String, _ value: String) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: String, _ value: Int) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: String, _ value: Int64) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: String, _ value: Double) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: String, _ value: Bool) {
        key(name)
        self.value(value)
    }

    @_disfavoredOverload
    public mutating func member(_ name: String, _ value: JSON) {
        key(name)
        self.value(value)
    }
}
