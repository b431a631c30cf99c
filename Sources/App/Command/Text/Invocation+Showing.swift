import PolluxCore

extension Invocation {
    var wantsJSON: Bool { has("json") }

    /// The one document that `--json` prints.
    func show(_ json: JSON) { console.out(json.text) }

    func show(_ table: Table) {
        for line in table.lines(hasColours: hasColours) { console.out(line) }
    }

    func painted(_ text: String, _ tone: TextTone) -> String {
        hasColours ? tone.painted(text.printable) : text.printable
    }
}
