import Glibc
import PolluxCore
import PolluxSQLite
import Synchronization

/// The one thread that uses a database. Writes that wait together share one transaction, and so one wait for the disk.
///
/// Unchecked: the queue is guarded by its mutex, the semaphore is a thread-safe system object, and the connection
/// belongs to the thread from its start on.
final class DatabaseThread: @unchecked Sendable {
    private struct Queue {
        var jobs: [any DatabaseJob] = []
        var isClosed = false
    }

    private let connection: SQLiteConnection
    private let name: String
    private let queue = Mutex(Queue())
    private let available: UnsafeMutablePointer<sem_t>
    private let failedWrites = Atomic(0)
    /// More that wait are refused: a disk that hangs must not fill the memory.
    private static let maxWaiting = 10_000

    /// - Parameter connection: Nobody else uses it from now on.
    init(_ connection: SQLiteConnection, name: String) throws(GatewayError) {
        (self.connection, self.name) = (connection, name)
        available = .allocate(capacity: 1)
        sem_init(available, 0, 0)
        var thread = pthread_t()
        let me = Unmanaged.passRetained(self)
        guard pthread_create(&thread, nil, runDatabaseThread, me.toOpaque()) == 0 else {
            me.release()
            throw GatewayError(.internalError, .request, "cannot start the thread of the database \(name)")
        }
        pthread_detach(thread)
    }

    deinit {
        sem_destroy(available)
        available.deallocate()
    }

    /// Runs on the thread, within a transaction. Returns when that is durable.
    ///
    /// - Parameter body: May run twice, when the transaction that it shared with others failed.
    func write<Value: Sendable>(
        _ body: @escaping @Sendable (SQLiteConnection) throws(SQLiteError) -> Value
    ) async throws(GatewayError) -> Value {
        try await ask(isWrite: true, body)
    }

    /// Runs on the thread, behind the writes that were asked for before.
    func read<Value: Sendable>(
        _ body: @escaping @Sendable (SQLiteConnection) throws(SQLiteError) -> Value
    ) async throws(GatewayError) -> Value {
        try await ask(isWrite: false, body)
    }

    /// Does what was asked for, then closes the database. Who asks from now on is refused.
    func close() async {
        _ = try? await ask(isWrite: false, isLast: true) { connection throws(SQLiteError) in connection.close() }
    }

    /// What waits for the thread, and the writes that have failed.
    var figures: StoreFigures {
        StoreFigures(queued: queue.withLock { $0.jobs.count }, errors: failedWrites.load(ordering: .relaxed))
    }

    private func ask<Value: Sendable>(
        isWrite: Bool, isLast: Bool = false, _ body: @escaping @Sendable (SQLiteConnection) throws(SQLiteError) -> Value
    ) async throws(GatewayError) -> Value {
        let result = await withCheckedContinuation { (waiter: CheckedContinuation<Result<Value, SQLiteError>, Never>) in
            let job = Job(isWrite: isWrite, body: body, waiter: waiter)
            let problem = queue.withLock { queue -> String? in
                if queue.isClosed { return "the database is closed" }
                if queue.jobs.count >= Self.maxWaiting, !isLast { return "\(queue.jobs.count) writes wait already" }
                queue.jobs.append(job)
                queue.isClosed = isLast
                return nil
            }
            if let problem {
                job.finish(SQLiteError(code: SQLiteError.unavailable, message: problem))
            } else {
                sem_post(available)
            }
        }
        switch result {
        case .success(let value): return value
        case .failure(let error):
            if isWrite { failedWrites.wrappingAdd(1, ordering: .relaxed) }
            throw error.gatewayError(database: name)
        }
    }
}

// MARK: - On the thread

extension DatabaseThread {
    fileprivate func run() {
        while true {
            while sem_wait(available) != 0 {}
            let (jobs, isClosed) = queue.withLock { queue in
                defer { queue.jobs = [] }
                return (queue.jobs, queue.isClosed)
            }
            serve(jobs[...])
            if isClosed { return }
        }
    }

    private func serve(_ jobs: ArraySlice<any DatabaseJob>) {
        var rest = jobs
        while let first = rest.first {
            let group = first.isWrite ? rest.prefix { $0.isWrite } : rest.prefix(1)
            rest = rest.dropFirst(group.count)
            if first.isWrite { commit(Array(group)) } else { first.finish(first.run(on: connection)) }
        }
    }

    private func commit(_ jobs: [any DatabaseJob]) {
        var failures: [SQLiteError?] = []
        do throws(SQLiteError) {
            try connection.run("BEGIN IMMEDIATE")
            for job in jobs { failures.append(try runApart(job)) }
            try connection.run("COMMIT")
        } catch {
            connection.rollBack()
            guard jobs.count > 1 else { return jobs[0].finish(error) }
            // One of them may be too much for the disk, the others not.
            for job in jobs { commit([job]) }
            return
        }
        for (job, failure) in zip(jobs, failures) { job.finish(failure) }
    }

    /// What goes wrong with one job undoes that one alone.
    ///
    /// - Throws: What ends the whole transaction.
    private func runApart(_ job: any DatabaseJob) throws(SQLiteError) -> SQLiteError? {
        try connection.run("SAVEPOINT one")
        guard let failure = job.run(on: connection) else {
            try connection.run("RELEASE one")
            return nil
        }
        guard failure.isConstraint, connection.isInTransaction else { throw failure }
        try connection.run("ROLLBACK TO one")
        try connection.run("RELEASE one")
        return failure
    }
}

/// Something to do with the database.
private protocol DatabaseJob: AnyObject, Sendable {
    var isWrite: Bool { get }
    /// - Returns: What went wrong.
    func run(on connection: SQLiteConnection) -> SQLiteError?
    /// Tells the one who asked. Called once.
    func finish(_ failure: SQLiteError?)
}

/// Unchecked: made by the one who asks, then used by the database's thread alone.
private final class Job<Value: Sendable>: DatabaseJob, @unchecked Sendable {
    let isWrite: Bool
    private let body: @Sendable (SQLiteConnection) throws(SQLiteError) -> Value
    private let waiter: CheckedContinuation<Result<Value, SQLiteError>, Never>
    private var value: Value?

    init(
        isWrite: Bool, body: @escaping @Sendable (SQLiteConnection) throws(SQLiteError) -> Value,
        waiter: CheckedContinuation<Result<Value, SQLiteError>, Never>
    ) {
        (self.isWrite, self.body, self.waiter) = (isWrite, body, waiter)
    }

    func run(on connection: SQLiteConnection) -> SQLiteError? {
        do throws(SQLiteError) {
            value = try body(connection)
            return nil
        } catch {
            return error
        }
    }

    func finish(_ failure: SQLiteError?) {
        if let value, failure == nil { return waiter.resume(returning: .success(value)) }
        let error = failure ?? SQLiteError(code: SQLiteError.unavailable, message: "the write did not run")
        waiter.resume(returning: .failure(error))
    }
}

/// A free function: a closure made on the main actor would trap when another thread calls it.
private func runDatabaseThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    Unmanaged<DatabaseThread>.fromOpaque(argument).takeRetainedValue().run()
    return nil
}
