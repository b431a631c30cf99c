import PolluxCore
import Testing

@Suite("Header values with parameters")
struct FieldParametersTests {
    @Test("a value and its parameters, quotes undone, names in any case")
    func reads() throws {
        let read = try FieldParameters("Form-Data; NAME=\"a\\\"b\"; filename = \"C:\\dir\\f.png\" ; x=1;;")
        #expect(read.value == "form-data")
        #expect(read["name"] == "a\"b")
        #expect(read["filename"] == "C:\\dir\\f.png", "a backslash before anything but a quote is itself")
        #expect(read["x"] == "1")
        #expect(read["y"] == nil)
    }

    @Test(
        "the extended form wins over the plain one when it can be read (RFC 8187)",
        arguments: [
            ("filename*=UTF-8''caf%C3%A9.png", "café.png"), ("filename*=utf-8'fr'a%20b; filename=plain", "a b"),
            ("filename=plain; filename*=iso-8859-1''caf%E9", "café"),
            ("filename=plain; filename*=koi8-r''%C1", "plain"),
            ("filename=plain; filename*=UTF-8''%zz", "plain"), ("filename=plain; filename*=UTF-8''%E9", "plain"),
            ("filename=plain; filename*=UTF-8''a%00b", "plain"), ("filename=plain; filename*=UTF-8''a%2", "plain"),
            ("filename=plain; filename*=nothing", "plain"), ("filename=\"\"", ""),
        ])
    func extended(_ parameters: String, _ expected: String) throws {
        #expect(try FieldParameters("form-data; \(parameters)").extended("filename") == expected)
    }

    @Test("an extended form that cannot be read, alone, is refused")
    func unreadable() throws {
        let read = try FieldParameters("form-data; filename*=UTF-8''%E9")
        #expect(
            throws: FieldParameters.Fault(
                message: "has a filename* that cannot be read; write it as UTF-8''percent-encoded")
        ) { try read.extended("filename") }
    }

    @Test(
        "what two readers could take differently is refused",
        arguments: [
            ("", "is empty"), ("; a=b", "is empty"), ("x; a=1; A=2", "has two a parameters"),
            ("x; a", "has a parameter that is not name=value"), ("x; =1", "has a parameter that is not name=value"),
            ("x; a b=1", "has a parameter that is not name=value"), ("x; a=", "has a value that needs quotes"),
            ("x; a=b c", "has a value that needs quotes"), ("x; a=\"b\"c", "has a value that needs quotes"),
            ("x; a=b\"c", "has a value that needs quotes"), ("x; a=\"b", "has a quoted value without its end"),
            ("x; a=\"b\\\"", "has a quoted value without its end"),
            ("x" + (0...16).map { "; p\($0)=1" }.joined(), "has more than 16 parameters"),
        ])
    func refused(_ text: String, _ message: String) {
        #expect(throws: FieldParameters.Fault(message: message)) { try FieldParameters(text) }
    }
}
