/// Requests that wait for the same work, by client key: keys take turns, and of one key the first to come is the first.
///
/// Holds also those that went meanwhile; they are passed over when they come to the front, or cleared when they are the
/// greater part of a key's.
struct TurnQueue: Sendable {
    private struct Turn: Sendable {
        let number: UInt64
        let client: String
    }

    private struct Own: Sendable {
        var turn: UInt64
        var tickets = TicketQueue()
    }

    /// Clients in the order of their turns.
    private var ring: [Turn] = []
    private var clients: [String: Own] = [:]

    /// By client in the order of their turns, so that one run of a simulation is as the next.
    var tickets: [UInt64] { ring.flatMap { clients[$0.client]?.tickets.all ?? [] } }

    /// - Parameter turn: Of the client; one that the queue knows takes this one from now on.
    mutating func insert(_ ticket: UInt64, of client: String, turn: UInt64) {
        if clients[client] == nil {
            clients[client] = Own(turn: turn)
            ring.insert(Turn(number: turn, client: client), at: place(of: turn))
        } else {
            move(client, to: turn)
        }
        clients[client]?.tickets.insert(ticket)
    }

    /// The client has another turn now.
    mutating func move(_ client: String, to turn: UInt64) {
        guard let known = clients[client]?.turn, known != turn else { return }
        ring.remove(at: place(of: known))
        ring.insert(Turn(number: turn, client: client), at: place(of: turn))
        clients[client]?.turn = turn
    }

    /// The first of the client whose turn it is.
    mutating func first(where waits: (UInt64) -> Bool) -> (ticket: UInt64, turn: UInt64)? {
        while let turn = ring.first {
            if let ticket = clients[turn.client]?.tickets.first(where: waits) { return (ticket, turn.number) }
            clients[turn.client] = nil
            ring.removeFirst()
        }
        return nil
    }

    mutating func noteDeparture(of client: String, _ waits: (UInt64) -> Bool) {
        clients[client]?.tickets.noteDeparture(waits)
    }

    private func place(of turn: UInt64) -> Int { ring.firstIndex(behind: { $0.number < turn }) }
}

/// Tickets of one client in their order.
private struct TicketQueue: Sendable {
    private var storage: [UInt64] = []
    private var head = 0
    private var departures = 0

    var all: ArraySlice<UInt64> { storage[head...] }

    /// Puts a ticket in its place, most often the last one. One that went and comes back may still stand there.
    mutating func insert(_ ticket: UInt64) {
        if head > 32, head > storage.count / 2 {
            storage.removeSubrange(..<head)
            head = 0
        }
        let place = all.firstIndex(behind: { $0 < ticket })
        if place < storage.count, storage[place] == ticket { return }
        storage.insert(ticket, at: place)
    }

    /// The first that still waits; drops those before it.
    mutating func first(where waits: (UInt64) -> Bool) -> UInt64? {
        while head < storage.count {
            if waits(storage[head]) { return storage[head] }
            head += 1
            departures = max(departures - 1, 0)
        }
        return nil
    }

    mutating func noteDeparture(_ waits: (UInt64) -> Bool) {
        departures += 1
        guard departures > 16, departures > all.count / 2 else { return }
        storage = all.filter(waits)
        (head, departures) = (0, 0)
    }
}
