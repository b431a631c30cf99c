import PolluxCore
import Testing

@Suite("JSON conformance cases")
struct JSONConformanceTests {
    /// What each `i_` case (implementation may choose) is for us.
    enum Choice { case accept, refuse, upstreamOnly }

    static let choices: [String: Choice] = [
        // Numbers: kept exactly; refused from clients only when a double cannot hold them.
        "i_number_double_huge_neg_exp.json": .accept,
        "i_number_huge_exp.json": .upstreamOnly,
        "i_number_neg_int_huge_exp.json": .upstreamOnly,
        "i_number_pos_double_huge_exp.json": .upstreamOnly,
        "i_number_real_neg_overflow.json": .upstreamOnly,
        "i_number_real_pos_overflow.json": .upstreamOnly,
        "i_number_real_underflow.json": .accept,
        "i_number_too_big_neg_int.json": .accept,
        "i_number_too_big_pos_int.json": .accept,
        "i_number_very_big_negative_int.json": .accept,
        // Lone surrogate escapes: J-3.
        "i_object_key_lone_2nd_surrogate.json": .upstreamOnly,
        "i_string_1st_surrogate_but_2nd_missing.json": .upstreamOnly,
        "i_string_1st_valid_surrogate_2nd_invalid.json": .upstreamOnly,
        "i_string_incomplete_surrogate_and_escape_valid.json": .upstreamOnly,
        "i_string_incomplete_surrogate_pair.json": .upstreamOnly,
        "i_string_incomplete_surrogates_escape_valid.json": .upstreamOnly,
        "i_string_invalid_lonely_surrogate.json": .upstreamOnly,
        "i_string_invalid_surrogate.json": .upstreamOnly,
        "i_string_inverted_surrogates_U+1D11E.json": .upstreamOnly,
        "i_string_lone_second_surrogate.json": .upstreamOnly,
        // Anything but UTF-8: J-4.
        "i_string_UTF-16LE_with_BOM.json": .refuse,
        "i_string_UTF-8_invalid_sequence.json": .refuse,
        "i_string_UTF8_surrogate_U+D800.json": .refuse,
        "i_string_invalid_utf-8.json": .refuse,
        "i_string_iso_latin_1.json": .refuse,
        "i_string_lone_utf8_continuation_byte.json": .refuse,
        "i_string_not_in_unicode_range.json": .refuse,
        "i_string_overlong_sequence_2_bytes.json": .refuse,
        "i_string_overlong_sequence_6_bytes.json": .refuse,
        "i_string_overlong_sequence_6_bytes_null.json": .refuse,
        "i_string_truncated-utf-8.json": .refuse,
        "i_string_utf16BE_no_BOM.json": .refuse,
        "i_string_utf16LE_no_BOM.json": .refuse,
        // H-13: 128 levels.
        "i_structure_500_nested_arrays.json": .refuse,
        // J-4: one mark is skipped.
        "i_structure_UTF-8_BOM_empty_object.json": .accept,
    ]

    /// `n_` cases that upstreams are forgiven: raw control characters.
    static let forgivenUpstream: Set = [
        "n_string_unescaped_ctrl_char.json", "n_string_unescaped_newline.json", "n_string_unescaped_tab.json",
    ]

    @Test("every public conformance case is taken as we decided")
    func publicCases() {
        guard let cases = JSONFixtures.conformanceSuite else {
            print("SKIPPED: the public JSON conformance cases are not installed beside the package")
            return
        }
        #expect(cases.count == 318)
        #expect(Set(cases.map(\.name).filter { $0.hasPrefix("i_") }) == Set(Self.choices.keys))
        for item in cases {
            guard let choice = choice(for: item.name) else {
                Issue.record("no choice is written down for \(item.name)")
                continue
            }
            let client = refusal(item.bytes, .client)
            let upstream = refusal(item.bytes, .upstream)
            #expect((client == nil) == (choice == .accept), "\(item.name) from a client: \(String(describing: client))")
            #expect(
                (upstream == nil) == (choice != .refuse),
                "\(item.name) from an upstream: \(String(describing: upstream))")
        }
    }

    private func choice(for name: String) -> Choice? {
        // Valid by the grammar, refused from clients by J-1.
        if name.hasPrefix("y_object_duplicated_key") { return .upstreamOnly }
        if name.hasPrefix("y_") { return .accept }
        if name.hasPrefix("n_") { return Self.forgivenUpstream.contains(name) ? .upstreamOnly : .refuse }
        return Self.choices[name]
    }
}
