/// The candidate a person most likely meant by `name`, or nil when none is close.
///
/// Close means at most two edits (insertion, deletion, replacement, swap of neighbours; one edit for names of up to
/// three bytes), or one being the beginning of the other. Upper and lower case count as equal. The fewest edits win,
/// then the earlier candidate. Names come from clients too, so the work is bounded: very long ones have no neighbour.
public func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
    guard !name.isEmpty, name.utf8.count <= longestComparedName else { return nil }
    let wanted = Array(name.lowercased().utf8)
    let allowed = wanted.count <= 3 ? 1 : 2

    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        guard candidate.utf8.count <= longestComparedName else { continue }
        let offered = Array(candidate.lowercased().utf8)
        let distance = closeness(of: wanted, to: offered, allowed: allowed)
        if let distance, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
}

private let longestComparedName = 96

/// Edits between the two; a shared beginning ranks behind every spelling mistake.
private func closeness(of wanted: [UInt8], to offered: [UInt8], allowed: Int) -> Int? {
    if abs(wanted.count - offered.count) <= allowed {
        let edits = editDistance(wanted, offered)
        if edits <= allowed { return edits }
    }
    let shorter = min(wanted.count, offered.count)
    let isBeginning = shorter >= 3 && wanted.prefix(shorter) == offered.prefix(shorter)
    return isBeginning ? allowed + 1 : nil
}

/// Damerau–Levenshtein distance in its restricted form (no piece is edited twice), three rows at a time.
private func editDistance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...second.count)
    for row in first.indices {
        var current = [row + 1]
        for column in second.indices {
            let replaced = last[column] + (first[row] == second[column] ? 0 : 1)
            var edits = min(replaced, last[column + 1] + 1, current[column] + 1)
            let isSwap =
                row > 0 && column > 0 && first[row] == second[column - 1] && first[row - 1] == second[column]
            if isSwap { edits = min(edits, beforeLast[column - 1] + 1) }
            current.append(edits)
        }
        (beforeLast, last) = (last, current)
    }
    return last[second.count]
}
