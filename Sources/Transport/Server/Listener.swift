import CSystem
import Glibc
import PolluxCore

/// Takes connections for one loop.
final class Listener: EventHandler {
    private let worker: ServerWorker
    private let descriptor: Int32

    /// Others get their turn after so many.
    private static let acceptsPerRound = 64
    private static let pause: Duration = .milliseconds(100)

    init(_ worker: ServerWorker, _ descriptor: Int32) { (self.worker, self.descriptor) = (worker, descriptor) }

    func close() {
        worker.loop.unregister(descriptor)
        Glibc.close(descriptor)
    }

    override func handle(_ readiness: EventLoop.Readiness, on loop: EventLoop) {
        for _ in 0..<Self.acceptsPerRound {
            var address = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let accepted = csystem_accept(descriptor, &address, &length)
            guard accepted < 0 else {
                worker.accept(accepted, PeerAddress(address))
                continue
            }
            switch errno {
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return runDry(on: loop, code: errno)
            case EAGAIN: return
            default: continue  // this one connection failed before it was taken
            }
        }
    }

    /// Out of descriptors: frees some, and lets the kernel queue connections for a while instead of spinning.
    private func runDry(on loop: EventLoop, code: Int32) {
        worker.state.warnRarely(
            "cannot accept connections: \(systemMessage(code)); raise the limit of open files", now: loop.now)
        worker.closeIdleConnections()
        loop.update(descriptor, [])
        loop.schedule(at: loop.now + Self.pause) { [weak self] in
            guard let self, worker.owns(self) else { return }
            loop.update(descriptor, .read)
        }
    }
}
