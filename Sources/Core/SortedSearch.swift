extension RandomAccessCollection {
    /// Where the elements begin that are not in front, in a collection in which those that are come first; its end when
    /// all are.
    func firstIndex(behind isInFront: (Element) -> Bool) -> Index {
        var (low, high) = (startIndex, endIndex)
        // Most often it is the end.
        if let last, isInFront(last) { return endIndex }
        while low < high {
            let middle = index(low, offsetBy: distance(from: low, to: high) / 2)
            if isInFront(self[middle]) { low = index(after: middle) } else { high = middle }
        }
        return low
    }
}
