import PolluxSimulator

extension SimulatorServer {
    /// The last journal entry, once its request has ended: the simulator learns of an end a moment after its client.
    func lastEnded() async -> Journal.Entry? {
        for _ in 0..<1_000_000 {
            if let entry = control.journal.last, entry.ended != nil { return entry }
            await Task.yield()
        }
        return nil
    }
}
