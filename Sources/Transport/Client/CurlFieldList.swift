import CCurl
import PolluxCore

/// The header fields of one request in the form that libcurl reads: a linked list of lines.
///
/// Built in two blocks of memory that are kept from request to request, in place of the two allocations per field that
/// `curl_slist_append` makes; libcurl only reads the list and leaves it to its maker.
final class CurlFieldList {
    private var text = UnsafeMutableBufferPointer<CChar>.allocate(capacity: 2048)
    private var nodes = UnsafeMutableBufferPointer<curl_slist>.allocate(capacity: 32)
    private var textEnd = 0
    private var nodeCount = 0

    deinit {
        text.deallocate()
        nodes.deallocate()
    }

    /// Writes the fields of a request; valid until the next call.
    ///
    /// Framing is libcurl's: `content-length`, `transfer-encoding` and `expect` of the request are left out. What
    /// libcurl would add by itself is switched off.
    ///
    /// - Throws: `internalError` (scope `request`) for a name or value with bytes that would break the head.
    func build(_ request: UpstreamRequest) throws(GatewayError) -> UnsafePointer<curl_slist>? {
        (textEnd, nodeCount) = (0, 0)
        makeRoom(for: request.fields)
        var hasAccept = false
        var hasContentType = false
        for field in request.fields {
            switch field.name {
            case "content-length", "transfer-encoding", "expect": continue
            case "accept": hasAccept = true
            case "content-type": hasContentType = true
            default: break
            }
            guard isName(field.name), isValue(field.value) else {
                throw GatewayError(
                    .internalError, .request, "a header field for the upstream holds characters that HTTP forbids",
                    detail: "field \(field.name.prefix(64))")
            }
            add(field)
        }
        if !hasAccept { add("Accept:") }
        if request.body != nil {
            add("Expect:")
            if !hasContentType { add("Content-Type:") }
        }
        return nodeCount == 0 ? nil : UnsafePointer(nodes.baseAddress)
    }

    private func makeRoom(for fields: HTTPFields) {
        let ownLines = 64
        var bytes = ownLines
        for field in fields { bytes += field.name.utf8.count + field.value.utf8.count + 3 }
        if bytes > text.count {
            text.deallocate()
            text = .allocate(capacity: bytes * 2)
        }
        if fields.count + 3 > nodes.count {
            nodes.deallocate()
            nodes = .allocate(capacity: (fields.count + 3) * 2)
        }
    }

    private func add(_ field: HTTPFields.Field) {
        let start = textEnd
        append(field.name)
        // "name:" alone would tell libcurl to leave the field out; this is its spelling of an empty value.
        append(field.value.isEmpty ? ";" : ": ")
        append(field.value)
        endLine(from: start)
    }

    private func add(_ line: String) {
        let start = textEnd
        append(line)
        endLine(from: start)
    }

    private func append(_ string: String) {
        let copied: Void? = string.utf8.withContiguousStorageIfAvailable { bytes in
            for byte in bytes {
                text[textEnd] = CChar(bitPattern: byte)
                textEnd &+= 1
            }
        }
        guard copied == nil else { return }
        for byte in string.utf8 {
            text[textEnd] = CChar(bitPattern: byte)
            textEnd &+= 1
        }
    }

    private func endLine(from start: Int) {
        text[textEnd] = 0
        textEnd += 1
        nodes[nodeCount] = curl_slist(data: text.baseAddress.map { $0 + start }, next: nil)
        if nodeCount > 0 { nodes[nodeCount - 1].next = nodes.baseAddress.map { $0 + nodeCount } }
        nodeCount += 1
    }

    /// A token (RFC 9110 section 5.6.2), as far as libcurl could be confused: visible ASCII without the separators
    /// that end a name.
    private func isName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A && $0 != 0x3B }
    }

    private func isValue(_ value: String) -> Bool { value.utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 } }
}
