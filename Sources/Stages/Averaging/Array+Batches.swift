extension Array {
    /// Cut in order into as few batches of at most `size` elements as will do, of about equal size: batch normalisation gets
    /// statistics over all but the same number in each. Fewer, larger ones where a batch would have less than `least`.
    func batches(of size: Int, least: Int = 1) -> [ArraySlice<Element>] {
        guard !isEmpty else { return [] }
        let parts = Swift.max(1, Swift.min((count + size - 1) / size, count / least))
        return (0..<parts).map { self[count * $0 / parts..<count * ($0 + 1) / parts] }
    }
}
