import PolluxCore
import Synchronization

/// The page of metrics: what was counted, and what is asked for when somebody looks.
struct MetricsReport {
    let gateway: Gateway
    let process: ProcessFigures
    private var metrics: GatewayMetrics { gateway.metrics }

    init(_ gateway: Gateway, _ process: ProcessFigures) { (self.gateway, self.process) = (gateway, process) }

    var bytes: [UInt8] {
        var text = MetricText()
        for family in metrics.counters { family.write(to: &text) }
        for family in metrics.histograms { family.write(to: &text) }
        for (info, samples) in gauges { text.metric(info, samples) }
        return text.bytes
    }

    /// Every metric there can be, for the documentation.
    var infos: [MetricInfo] { metrics.counters.map(\.info) + metrics.histograms.map(\.info) + gauges.map(\.info) }

    private var gauges: [(info: MetricInfo, samples: [MetricSample])] {
        load + accounts + store + media + processFigures
    }

    private var load: [(MetricInfo, [MetricSample])] {
        let inFlight = gateway.load.inFlight.load(ordering: .relaxed)
        var list: [(MetricInfo, [MetricSample])] = [
            (
                MetricInfo("pollux_requests_in_flight", .gauge, help: "Requests being answered now."),
                [MetricSample([], .count(inFlight))]
            )
        ]
        if let connections = metrics.openConnections {
            list.append(
                (
                    MetricInfo("pollux_connections_open", .gauge, help: "Connections of clients that are open."),
                    [MetricSample([], .count(connections))]
                ))
        }
        return list
    }

    /// One series for each provider, and each of its states and classes; as many as the budget has left.
    private var accounts: [(MetricInfo, [MetricSample])] {
        let waiting = MetricInfo(
            "pollux_queue_requests", .gauge, labels: ["provider"],
            help: "Requests in line for an account; one that several providers may serve is in the line of each.")
        let states = MetricInfo(
            "pollux_accounts", .gauge, labels: ["provider", "state", "class"],
            help: "Accounts by their state for a class of work; those in use keep theirs.")
        let lines = gateway.upstreams.map { MetricSample([MetricLabel("provider", $0.name)], .count($0.pool.waiting)) }
        let counts = gateway.upstreams.flatMap(AccountFigures.samples)
        let left = metrics.budget.remaining
        return [(waiting, Array(lines.prefix(left))), (states, Array(counts.prefix(max(0, left - lines.count))))]
    }

    private var store: [(MetricInfo, [MetricSample])] {
        guard let figures = metrics.storeFigures else { return [] }
        return [
            (
                MetricInfo(
                    "pollux_store_queue_jobs", .gauge, help: "What waits for the store's turn to be written or read."),
                [MetricSample([], .count(figures.queued))]
            ),
            (
                MetricInfo("pollux_store_errors_total", .counter, help: "Writes to the store that failed."),
                [MetricSample([], .count(figures.errors))]
            ),
            (
                MetricInfo(
                    "pollux_store_dropped_entries_total", .counter,
                    help: "Log entries of requests and account states given up while the disk took nothing."),
                [MetricSample([], .count(figures.dropped))]
            ),
        ]
    }

    private var media: [(MetricInfo, [MetricSample])] {
        let figures = gateway.media.store.figures
        return [
            (
                MetricInfo("pollux_media_files", .gauge, help: "Files made by models that clients may fetch."),
                [MetricSample([], .count(figures.files))]
            ),
            (
                MetricInfo(
                    "pollux_media_bytes", .gauge, help: "Bytes of these files, and of those being written."),
                [MetricSample([], .count(figures.bytes))]
            ),
        ]
    }

    private var processFigures: [(MetricInfo, [MetricSample])] {
        func one(_ info: MetricInfo, _ value: MetricValue) -> (MetricInfo, [MetricSample]) {
            (info, [MetricSample([], value)])
        }
        return [
            (
                MetricInfo(
                    "pollux_build_info", .gauge, labels: ["version"], help: "The version that runs; always 1."),
                [MetricSample([MetricLabel("version", PolluxVersion.text)], .count(1))]
            ),
            one(
                MetricInfo(
                    "pollux_metrics_refused_series_total", .counter,
                    help: "How often something was counted as other because 2000 series are the limit."),
                .count(metrics.budget.refused)),
            one(
                MetricInfo("process_resident_memory_bytes", .gauge, help: "Memory that the process occupies."),
                .count(process.residentBytes)),
            one(
                MetricInfo("process_open_fds", .gauge, help: "Open file descriptors."),
                .count(process.openDescriptors)),
            one(
                MetricInfo("process_max_fds", .gauge, help: "How many file descriptors may be open."),
                .count(process.maxDescriptors)),
            one(
                MetricInfo("process_cpu_seconds_total", .counter, help: "Time spent on the processors."),
                .microseconds(process.processorMicroseconds)),
            one(
                MetricInfo(
                    "process_start_time_seconds", .gauge, help: "When the process started, in seconds since 1970."),
                .microseconds(metrics.startedAt.microseconds)),
        ]
    }
}

extension GatewayMetrics {
    /// In the order in which they are shown.
    var counters: [CounterFamily] {
        [
            requests, modelRequests, brokenAnswers, refusals, attempts, failures, transitions,
            endpointTransitions, fetches, notifications,
        ]
    }

    var histograms: [HistogramFamily] { [durations, overhead, queueWaits, firstBytes, loopLag] }
}
