"""Turns the records of a benchmark into docs/benchmarks.md: medians of the rounds, ratios within each round."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median


class Results:
    """The records, addressed by row and target."""

    def __init__(self, records: list[dict]):
        self.records = [record for record in records if "failed" not in record]

    def rounds(self, row: str, target: str, key: str) -> dict[int, float]:
        """Round → value; the median where a round holds several."""
        found: dict[int, list[float]] = {}
        for record in self.records:
            if record["row"] == row and record["target"] == target and key in record:
                found.setdefault(record["round"], []).append(record[key])
        return {number: median(values) for number, values in found.items()}

    def median(self, row: str, target: str, key: str) -> float | None:
        values = self.rounds(row, target, key).values()
        return median(values) if values else None

    def last(self, row: str, target: str, key: str) -> float | None:
        values = [r[key] for r in self.records if r["row"] == row and r["target"] == target and key in r]
        return values[-1] if values else None

    def ratio(self, row: str, target: str, key: str, yardstick: str = "nginx") -> float | None:
        """Median over the rounds of target ÷ yardstick."""
        return _median_quotient(self.rounds(row, target, key), self.rounds(row, yardstick, key))

    def added(self, row: str, target: str, key: str) -> dict[int, float]:
        """Round → what the target adds to the direct path."""
        of_direct = self.rounds(row, "direct", key)
        return {n: value - of_direct[n] for n, value in self.rounds(row, target, key).items() if n in of_direct}

    def added_ratio(self, row: str, target: str, key: str) -> float | None:
        return _median_quotient(self.added(row, target, key), self.added(row, "nginx", key))


def _median_quotient(above: dict[int, float], below: dict[int, float]) -> float | None:
    quotients = [above[n] / below[n] for n in above if below.get(n, 0) > 0]
    return median(quotients) if quotients else None


# MARK: targets


@dataclass
class Bar:
    """One demand on Pollux: how to read its value and the nginx value, and the limit the compared number must keep."""

    what: str
    unit: str
    nginx: float | None
    pollux: float | None
    compared: float | None
    limit: float
    at_most: bool = True
    is_ratio: bool = True

    @property
    def verdict(self) -> str:
        if self.compared is None:
            return "not measured"
        met = self.compared <= self.limit if self.at_most else self.compared >= self.limit
        return "met" if met else "**missed**"

    def cells(self) -> list[str]:
        sign, times = "≤" if self.at_most else "≥", " × nginx" if self.is_ratio else f" {self.unit}"
        ratio = f"{shown(self.compared)} ×" if self.is_ratio and self.compared is not None else "–"
        limit = f"{sign} {self.limit:.3g}{times}"
        both = [measured(value, self.unit) for value in (self.nginx, self.pollux)]
        return [self.what, limit, *both, ratio, self.verdict]


def bars(results: Results) -> list[Bar]:
    found = []

    def ratio(what: str, unit: str, row: str, target: str, key: str, limit: float, at_most: bool = True):
        nginx, own = results.median(row, "nginx", key), results.median(row, target, key)
        found.append(Bar(what, unit, nginx, own, results.ratio(row, target, key), limit, at_most))

    def added(what: str, row: str, target: str, key: str, limit: float):
        nginx, own = results.added(row, "nginx", key), results.added(row, target, key)
        compared = results.added_ratio(row, target, key)
        found.append(Bar(what, "µs", _middle(nginx), _middle(own), compared, limit))

    def absolute(what: str, unit: str, row: str, key: str, limit: float, read: Callable, scale: float = 1):
        nginx, own = (None if v is None else v / scale for v in (read(row, "nginx", key), read(row, "pollux", key)))
        found.append(Bar(what, unit, nginx, own, own, limit, is_ratio=False))

    ways = [("pollux", "streamed upstream"), ("pollux-json", "JSON upstream")]
    for upstream, limit in [("plain", 3.2), ("tls", 1.6)]:
        for target, way in ways:
            what = f"CPU per request, {upstream.upper() if upstream == 'tls' else upstream}, {way}"
            ratio(what, "µs", f"cpu-{upstream}", target, "cpu_us_per_request", limit)
    for target, way in ways:
        ratio(f"Requests/s, 64 connections, {way}", "/s", "throughput-plain", target, "per_second", 0.5, False)
    ratio("Streamed events/s, 64 connections", "/s", "events", "pollux", "events_per_second", 1 / 3, False)
    for target, way in ways:
        added(f"Added P50 at 1,000/s, {way}", "open-1000-plain", target, "latency_p50_us", 2.3)
        added(f"Added P99 at 1,000/s, {way}", "open-1000-plain", target, "latency_p99_us", 3.5)
    for row, pace in [("sse-token", "20 ms"), ("sse-drip", "2 ms")]:
        added(f"First token later, 100 streams, an event each {pace}", row, "pollux", "first_p50_us", 2.5)
        added(f"Each event later, 100 streams, an event each {pace}", row, "pollux", "delay_p50_us", 2.5)
    absolute("First answer after exec", "ms", "start", "first_answer_ms", 50, results.median)
    absolute("Memory, idle", "MB", "rss-idle", "rss_kib", 30, results.last, 1000 / 1.024)
    absolute("Memory, after load", "MB", "rss-load", "rss_kib", 60, results.last, 1000 / 1.024)
    absolute("Memory per idle stream", "KiB", "rss-streams", "kib_per_stream", 64, results.last)
    return found


def _middle(values: dict[int, float]) -> float | None:
    return median(values.values()) if values else None


# MARK: tables


def shown(value: float | None) -> str:
    """Three figures are all that such measurements carry."""
    if value is None:
        return "–"
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def measured(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{shown(value)} {unit}"


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def targets_table(results: dict) -> str:
    rows = [bar.cells() for bar in bars(Results(results["records"]))]
    return table(["What", "Target", "nginx", "Pollux", "Ratio", "Verdict"], rows)


NAMES = {
    "direct": "no gateway",
    "nginx": "nginx",
    "pollux": "Pollux, streamed upstream",
    "pollux-json": "Pollux, JSON upstream",
    "pollux-gemini": "Pollux, streamed upstream, Gemini format",
}


def lines(results: Results, labels: dict[str, str], columns: list[tuple[str, str]]) -> list[list[str]]:
    """One line per row and target that was measured; columns are (key, unit)."""
    found = []
    for row, label in labels.items():
        for target, name in NAMES.items():
            values = [results.median(row, target, key) for key, _ in columns]
            if any(value is not None for value in values):
                found.append([label, name, *(measured(v, unit) for v, (_, unit) in zip(values, columns))])
    return found


def latency_table(results: Results) -> str:
    labels = {f"open-{rate}-plain": f"{rate:,}/s, plain" for rate in (20, 100, 1000)}
    labels["open-1000-tls"] = "1,000/s, TLS"
    columns = [(f"latency_{mark}_us", "µs") for mark in ("p50", "p90", "p99", "max")]
    columns += [("per_second", "/s"), ("cpu_us_per_request", "µs")]
    head = ["Open loop", "Through", "P50", "P90", "P99", "Highest", "Answered", "CPU per request"]
    return table(head, lines(results, labels, columns))


def load_table(results: Results) -> str:
    labels = {}
    for upstream, name in [("plain", "plain"), ("tls", "TLS")]:
        labels[f"cpu-{upstream}"] = f"{name}, 32 connections, one loop"
        labels[f"throughput-{upstream}"] = f"{name}, 64 connections, two loops"
    columns = [("cpu_us_per_request", "µs"), ("per_second", "/s"), ("latency_p50_us", "µs")]
    columns += [("latency_p99_us", "µs"), ("cpu_share", "cores"), ("loadgen_cpu_share", "cores")]
    head = ["Saturated", "Through", "CPU per request", "Requests", "P50", "P99", "Gateway used", "Load generator used"]
    return table(head, lines(results, labels, columns))


def stream_table(results: Results) -> str:
    labels = {"sse-token": "100 streams × 50 events, 20 ms apart", "sse-drip": "100 streams × 50 events, 2 ms apart"}
    fast = lines(
        results, {"events": "64 connections, as fast as they go, two loops"},
        [("events_per_second", "/s"), ("cpu_us_per_event", "µs"), ("cpu_us_per_request", "µs"), ("cpu_share", "cores")])
    columns = [("first_p50_us", "µs"), ("first_p99_us", "µs"), ("delay_p50_us", "µs"), ("delay_p99_us", "µs")]
    columns += [("cpu_us_per_request", "µs"), ("cpu_share", "cores")]
    head = ["Timed", "Through", "First token P50", "P99", "Event delay P50", "P99", "CPU per stream", "Gateway used"]
    timed = table(head, lines(results, labels, columns))
    head = ["Saturated", "Through", "Events", "CPU per event", "CPU per stream", "Gateway used"]
    return f"{timed}\n{table(head, fast)}"


UPSTREAMS = {
    "sim-openai": "openai-compatible",
    "sim-business": "gemini-business",
    "sim-web": "gemini-web",
}
FORMATS = {"openai-format": "OpenAI", "gemini-format": "Gemini"}


def upstream_table(results: Results) -> str:
    """CPU per request and per delivered event for each kind of upstream and format, and their ratios to
    openai-compatible in the same format."""
    rows = []
    for row, kind in UPSTREAMS.items():
        for target, form in FORMATS.items():
            figures = []
            for key in ("cpu_us_per_request", "cpu_us_per_event"):
                of_rounds = results.rounds(row, target, key)
                ratio = _median_quotient(of_rounds, results.rounds("sim-openai", target, key))
                figures += [measured(_middle(of_rounds), "µs"), times(ratio)]
            rows.append([
                kind, form, shown(results.median(row, target, "events_per_stream")), *figures,
                measured(results.median(row, target, "events_per_second"), "/s"),
                measured(results.median(row, target, "cpu_share"), "cores"),
            ])
    head = ["Upstream", "Format", "Events per stream", "CPU per request", "Ratio", "CPU per event", "Ratio"]
    return table([*head, "Events", "Gateway used"], rows)


def memory_table(results: Results) -> str:
    def mb(row, target, key):
        value = results.last(row, target, key)
        return measured(None if value is None else value * 1.024 / 1000, "MB")

    rows = []
    for target in ("nginx", "pollux"):
        per_stream = measured(results.last("rss-streams", target, "kib_per_stream"), "KiB")
        alive = results.last("rss-streams", target, "alive"), results.last("rss-streams", target, "streams")
        start = measured(results.median("start", target, "first_answer_ms"), "ms")
        rows.append([
            target if target == "nginx" else "Pollux", start, mb("rss-idle", target, "rss_kib"),
            mb("rss-load", target, "rss_kib"), f"{alive[0] or 0:,} of {alive[1] or 0:,}", per_stream,
            mb("rss-slow", target, "rss_highest_kib"),
        ])
    head = ["", "First answer", "Idle", "After load", "Silent streams held", "Per silent stream", "1,000 slow readers"]
    return table(head, rows)


# MARK: page


def faults(records: list[dict]) -> list[str]:
    """Everything that went wrong, in words; a run with a bad answer does not count as a good one."""
    found = []
    for record in records:
        name = f"{record['row']}, {record['target']}, round {record['round'] + 1}"
        if "failed" in record:
            found.append(f"{name}: the run failed: {record['failed']}")
        elif record.get("errors"):
            found.append(f"{name}: {record['errors']} bad or missing answers beside {record['ok']} good ones")
        elif record.get("alive", 0) < record.get("streams", record.get("readers", 0)):
            found.append(f"{name}: only {record['alive']} streams stayed alive")
    return found


EVERYTHING = {
    "cpu-everything": "32 connections, plain answers",
    "events-everything": "32 connections, streams of 52 events",
}


def everything_table(results: Results) -> str:
    """What accounts, limits and records cost: the same gateway with and without them."""
    rows = []
    for row, label in EVERYTHING.items():
        bare, whole, layers = (
            results.median(row, f"pollux-{degree}", "cpu_us_per_request") for degree in ("bare", "everything", "layers"))
        ratio = results.ratio(row, "pollux-everything", "cpu_us_per_request", "pollux-bare")
        most = results.ratio(row, "pollux-layers", "cpu_us_per_request", "pollux-bare")
        cells = [measured(bare, "µs"), measured(whole, "µs"), times(ratio), verdict(ratio, 1.1)]
        rows.append([label, *cells, measured(layers, "µs"), times(most)])
    head = ["CPU per request", "One account, nothing else", "Everything", "Ratio", "≤ 1.1 ×", "All layers", "Ratio"]
    return table(head, rows)


def limiter_table(results: Results) -> str:
    """All that a request does for its limits, by the number of counters that there are."""
    one, few, many = (results.median("limiter", "pollux", f"ns_{count}") for count in (2, 100, 100_000))
    ratio = many / few if many and few else None
    cells = [measured(value, "ns") for value in (one, few, many)]
    head = ["", "2 counters", "100 counters", "100,000 counters", "Ratio to 100", "≤ 1.5 ×"]
    return table(head, [["Limits of one request", *cells, times(ratio), verdict(ratio, 1.5)]])


def times(ratio: float | None) -> str:
    return "–" if ratio is None else f"{shown(ratio)} ×"


def verdict(value: float | None, limit: float) -> str:
    if value is None:
        return "not measured"
    return "met" if value <= limit else "**missed**"


METHOD = """\
- **Rounds alternate**: every round measures each row through each target in turn, every other round in the opposite
  order. A value is the median of the rounds; a ratio is the median of the ratios *within* each round.
- **nginx** (`proxy_pass`, upstream keep-alive, unbuffered for streams) is the yardstick, with as many workers as
  Pollux has loops: one for latency and CPU, two for throughput. It checks no key and decodes nothing.
- **Pollux** has client keys, decoding, account pool and encoding on; its log is at `warning`, as nginx's access log is
  off. It calls its upstream *streaming* by default also for a whole answer: the upstream then sends the same text as an
  SSE transcript ("streamed upstream"). With `stream: false` it gets the same bytes as nginx ("JSON upstream").
- **Open loop**: requests are due at a fixed rate whatever happens, and latency counts from the moment a request was
  due, so a stall is charged to each request it delayed. **Added** is the value through a gateway less the value
  straight to the upstream (plain also for the TLS rows), same round.
- **Event delay**: the upstream writes the monotonic time into each event; the load generator compares it on arrival.
  Streams start spread over one interval, so that their events do not come in step.
- **CPU** is user and system time of all threads of the gateway (nginx: master and workers), read from the process's
  CPU clock. **Memory** is the resident set (nginx: summed, shared pages counted for each process).
- **Kinds of upstream**: one gateway before all of them, three accounts for each Gemini kind; they take turns. CPU per
  request is the gateway's CPU for one stream from its first byte to its last, CPU per event the same divided by the
  events that the client got: what a stream costs whole, and what each chunk of it does. Each ratio is to
  `openai-compatible` in the same format, within each round. `openai-compatible` and `gemini-business` send the answer in
  24 pieces. `gemini-web` sends the whole text so far in every frame, five characters longer each time, so its cost per
  event grows with the answer. A request of the Gemini kinds also begins a session or a chat, which is in its CPU; with
  `gemini-business` that is a call of its own. So are sign-ins, one for each account in four minutes.
- **Everything switched on**: the gateways stand before the same streamed upstream, run the same binary, and take
  turns eight times in a round, of which the median counts. One has a single account, no limits, and writes nothing
  down. The other has twenty accounts, a key with limits of requests, tokens and concurrency, and writes every request
  into its database. *All layers* has such limits for the gateway, each model, the key, the key and model, and a pace
  and a quota for each account: fourteen limits that a request meets.
- **Limits of one request** are measured in a process of their own, with keys drawn at random: the estimate of tokens,
  the decision, the fields of the answer, the correction afterwards.
- Every answer is checked: status 200, whole framing, its last words, for streams the number of events.
- Load generator, gateway and upstream share the cores of one machine: compare the ratios, not the absolute numbers.
"""


def render(results: dict) -> str:
    facts, found = results["facts"], Results(results["records"])
    wrong = faults(results["records"])
    null_run = "**nginx stood in Pollux's place: this shows the noise of the machine only.**\n\n"
    subject = null_run if facts["null"] else ""
    trouble = "Every answer of every run was whole and right.\n" if not wrong else (
        "Not every run was clean:\n\n" + "\n".join(f"- {line}" for line in wrong) + "\n")
    return f"""\
# Benchmarks

Written by `make bench` on {facts['date']}; not edited by hand. {facts['rounds']} rounds, about {facts['seconds']:g} s \
for each run.

Machine: {facts['cores']} cores ({facts['architecture']}), {facts['system']}, Linux {facts['kernel']}, \
nginx {facts['nginx']}. Other work used {facts['busy_before']:.0%} of the cores just before the run and \
{facts['busy_after']:.0%} just after it.

{subject}## Targets

{targets_table(results)}
{trouble}
## Latency

{latency_table(found)}
## CPU and throughput

{load_table(found)}
## Streams

{stream_table(found)}
## Kinds of upstream and formats

Simulated upstreams that send the same words, 16 streams at a time, one loop. The gateway's CPU alone is counted.

{upstream_table(found)}
## Everything switched on

{everything_table(found)}
{limiter_table(found)}
## Start and memory

{memory_table(found)}
## How it is measured

{METHOD}"""


if __name__ == "__main__":
    print(render(json.loads(Path(sys.argv[1]).read_text())))
