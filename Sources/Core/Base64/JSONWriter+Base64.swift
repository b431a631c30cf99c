extension JSONWriter {
    /// A string of Base64, behind a prefix that has nothing in it that JSON escapes.
    public mutating func base64(_ value: [UInt8], prefix: String = "") {
        var text: [UInt8] = []
        text.reserveCapacity(prefix.utf8.count + value.count / 3 * 4 + 8)
        text.append(UInt8(ascii: "\""))
        text += prefix.utf8
        Base64.append(value, to: &text)
        text.append(UInt8(ascii: "\""))
        raw(text)
    }
}
