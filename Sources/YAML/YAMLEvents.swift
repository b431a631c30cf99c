import CYAML
import PolluxCore

/// One step of libyaml's event stream, copied out of C memory.
struct YAMLEvent {
    enum Kind {
        case documentStart
        case scalar(SettingsScalar)
        case alias
        case mappingStart
        case sequenceStart
        /// The end of a mapping, a list or the document; the start of the stream as well, as nothing depends on it.
        case closing
        /// The end of the file.
        case end
    }

    var kind: Kind
    var position: SettingsPosition
    var hasAnchor = false
    var hasTag = false
}

/// libyaml's parser over bytes that must outlive it.
struct YAMLEvents: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let bytes: UnsafeBufferPointer<UInt8>
    private let file: String

    init(_ bytes: UnsafeBufferPointer<UInt8>, file: String) {
        self.bytes = bytes
        self.file = file
        parser = .allocate(capacity: 1)
        let isReady = yaml_parser_initialize(parser) == 1
        precondition(isReady, "libyaml could not allocate its parser: out of memory")
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// - Throws: The syntax error at this place, in libyaml's words.
    mutating func next() throws(YAMLFailure) -> YAMLEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw failure() }
        defer { yaml_event_delete(&event) }
        return copy(event)
    }

    private func copy(_ event: yaml_event_t) -> YAMLEvent {
        let place = position(event.start_mark)
        switch event.type {
        case YAML_STREAM_END_EVENT, YAML_NO_EVENT: return YAMLEvent(kind: .end, position: place)
        case YAML_DOCUMENT_START_EVENT: return YAMLEvent(kind: .documentStart, position: place)
        case YAML_ALIAS_EVENT: return YAMLEvent(kind: .alias, position: place)
        case YAML_SCALAR_EVENT: return scalar(event, place)
        case YAML_MAPPING_START_EVENT:
            let data = event.data.mapping_start
            return YAMLEvent(
                kind: .mappingStart, position: place, hasAnchor: data.anchor != nil, hasTag: data.tag != nil)
        case YAML_SEQUENCE_START_EVENT:
            let data = event.data.sequence_start
            return YAMLEvent(
                kind: .sequenceStart, position: place, hasAnchor: data.anchor != nil, hasTag: data.tag != nil)
        default: return YAMLEvent(kind: .closing, position: place)
        }
    }

    private func scalar(_ event: yaml_event_t, _ place: SettingsPosition) -> YAMLEvent {
        let data = event.data.scalar
        let text = String(decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
        let isPlain = data.style == YAML_PLAIN_SCALAR_STYLE && data.plain_implicit == 1
        return YAMLEvent(
            kind: .scalar(SettingsScalar(text, isQuoted: !isPlain)), position: place, hasAnchor: data.anchor != nil,
            hasTag: data.tag != nil)
    }

    private func failure() -> YAMLFailure {
        let state = parser.pointee
        let problem = state.problem.map { String(cString: $0) } ?? "the file cannot be read"
        // The reader (bytes to characters) names an offset; scanner and parser name a place.
        if state.error == YAML_READER_ERROR { return YAMLFailure(problem, position(ofByte: state.problem_offset)) }
        let place = position(state.problem_mark)
        var message = problem
        if let context = state.context.map({ String(cString: $0) }) {
            let begin = position(state.context_mark)
            message += ", \(context)"
            if begin != place { message += " that begins at line \(begin.line), column \(begin.column)" }
        }
        return YAMLFailure(message + (hint(for: place) ?? ""), place)
    }

    /// What to do about the two mistakes that libyaml's words do not name.
    private func hint(for place: SettingsPosition) -> String? {
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard place.line <= lines.count else { return nil }
        let line = String(decoding: lines[place.line - 1], as: UTF8.self)
        if line.unicodeScalars.dropFirst(place.column - 1).first == "\t" {
            return "; indent with spaces, a tab cannot stand here"
        }
        let hasBareReference = line.contains("${") && !line.contains("\"${")
        return hasBareReference ? "; inside {} and [] write \"${NAME}\" with quotes" : nil
    }

    private func position(_ mark: yaml_mark_t) -> SettingsPosition {
        SettingsPosition(file: file, line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }

    private func position(ofByte offset: Int) -> SettingsPosition {
        let before = bytes.prefix(offset)
        let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        let line = before.count { $0 == UInt8(ascii: "\n") } + 1
        let column = String(decoding: before[lineStart...], as: UTF8.self).unicodeScalars.count + 1
        return SettingsPosition(file: file, line: line, column: column)
    }
}
