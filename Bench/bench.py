"""Measures Pollux against nginx on this machine. Called by run.sh, which builds what is needed; see --help."""

import argparse
import datetime
import json
import signal
import subprocess
import sys
from pathlib import Path

import report
from services import (
    ANSWER_ENDING,
    CHUNKS,
    ECHO_EVENTS,
    HERE,
    SIMULATED,
    STREAM_ENDING,
    Service,
    Workshop,
    busy_share,
    free_port,
    machine,
    raise_file_limit,
)

ROOT = HERE.parent
ROWS = ["plain", "tls", "sse", "everything", "upstreams", "start", "rss"]
# Runs of the gateways that are compared in the row "everything" take turns so many times in a round.
SLICES = 8
SYSTEM_TEXT = "You are a careful assistant. Answer briefly and in plain words."
USER_TEXT = (
    "Please tell me in a few plain sentences what a canned answer is, why somebody who measures a gateway would want "
    "one, and what it cannot show. I have read that a real model spends seconds on what the gateway does in "
    "microseconds, so I would like to know whether the gateway matters at all."
)


class OpenAIFormat:
    """A request as a client of this format makes it, and by what its answer is known to be whole."""

    name = "openai"
    stream_ending = STREAM_ENDING

    def path(self, service: Service, upstream: str, stream: bool) -> str:
        return service.path(upstream)

    def body(self, model: str, text: str, stream: bool) -> dict:
        return {
            "model": model,
            "messages": [
                {"role": "system", "content": SYSTEM_TEXT},
                {"role": "user", "content": text},
            ],
            "temperature": 0.7,
            "max_tokens": 400,
            "stream": stream,
        }


class GeminiFormat:
    name = "gemini"
    stream_ending = '"finishReason":"STOP"'

    def path(self, service: Service, upstream: str, stream: bool) -> str:
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{service.model(upstream)}:{method}"

    def body(self, model: str, text: str, stream: bool) -> dict:
        return {
            "systemInstruction": {"parts": [{"text": SYSTEM_TEXT}]},
            "contents": [{"role": "user", "parts": [{"text": text}]}],
            "generationConfig": {"temperature": 0.7, "maxOutputTokens": 400},
        }


OPENAI, GEMINI = OpenAIFormat(), GeminiFormat()


class Bench:
    """Runs the load generator against services and collects one record per run."""

    def __init__(self, workshop: Workshop, options: argparse.Namespace):
        self.workshop = workshop
        self.options = options
        self.records: list[dict] = []
        self.round = 0

    def run(
        self, row: str, target: str, service: Service, upstream: str, mode: list, *extra, stream=False, form=OPENAI,
        least_events=CHUNKS + 2,
    ):
        """One run of the load generator; `target` is the name under which the report shows it."""
        body = self.body(service.model(upstream), stream, form)
        checks = ["--expect", form.stream_ending if stream else ANSWER_ENDING]
        if stream:
            checks += ["--least-events", least_events]
        path = form.path(service, upstream, stream)
        words = ["--port", service.port, "--path", path, "--body", body, *checks, *extra]
        for header in service.headers:
            words += ["--header", header]
        try:
            for pid in service.pids():
                words += ["--pid", pid]
            result = self.load([*words, *mode])
        except RuntimeError as error:
            result = {"failed": str(error)}
        self.record(row, target, result)

    def load(self, words: list) -> dict:
        """What the load generator says; a run that it breaks off has the one member `failed`."""
        command = [str(self.workshop.folder / "loadgen"), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=180)
        if done.stderr:
            print(done.stderr.strip(), file=sys.stderr)
        if done.returncode != 0:
            return {"failed": done.stderr.strip()[-500:] or f"exit code {done.returncode}"}
        return json.loads(done.stdout)

    def record(self, row: str, target: str, result: dict):
        if result.get("events") and result.get("counted"):
            result["events_per_stream"] = result["events"] / result["counted"]
            if "cpu_us_per_request" in result:
                result["cpu_us_per_event"] = result["cpu_us_per_request"] / result["events_per_stream"]
        result = {"row": row, "target": target, "round": self.round, **result}
        self.records.append(result)
        print(f"  round {self.round + 1}  {row:22} {target:14} {summary(result)}", flush=True)

    def alternating(self, targets: list) -> list:
        """Every other round goes the other way, so that a drift of the machine favours nobody."""
        return targets if self.round % 2 == 0 else targets[::-1]

    def body(self, model: str, stream: bool, form=OPENAI) -> Path:
        name = f"body-{form.name}-{model.replace('/', '-')}-{'stream' if stream else 'whole'}.json"
        path = self.workshop.folder / name
        path.write_text(json.dumps(form.body(model, USER_TEXT, stream), separators=(",", ":")))
        return path


def summary(result: dict) -> str:
    if "failed" in result:
        return "FAILED: " + result["failed"]
    shown = ["errors", "per_second", "cpu_us_per_request", "latency_p50_us", "latency_p99_us", "first_p50_us"]
    shown += ["delay_p50_us", "ns_2", "ns_100", "ns_100000", "kib_per_stream", "kib_per_reader", "first_answer_ms"]
    return "  ".join(f"{key} {result[key]}" for key in shown if key in result)


# MARK: rows


class Direct(Service):
    """The upstream itself, without anything between: what every latency is compared with."""

    def path(self, upstream: str) -> str:
        return ("/json" if upstream in ("plain", "tls") else "") + "/v1/chat/completions"


def direct(bench: Bench, upstream: str) -> Service:
    name = "nginx-upstream" if upstream == "plain" else f"upstream-{upstream}"
    process = next(s.process for s in bench.workshop.running if s.name == name)
    return Direct("direct", process, bench.workshop.ports[upstream])


def subjects(single: dict, upstream: str) -> list[tuple[str, Service, str]]:
    """(name in the report, service, upstream): nginx, then Pollux with a streamed and with a JSON upstream."""
    found = [("nginx", single["nginx"], upstream), ("pollux", single["subject"], upstream)]
    if single["subject"].serves_models:
        found.append(("pollux-json", single["subject"], f"{upstream}-json"))
    return found


def measure_requests(bench: Bench, single: dict, double: dict, upstream: str, rates: dict[int, float]):
    """Open loop at each rate, then saturated: one loop for CPU per request, two for throughput."""
    seconds = bench.options.seconds
    gemini = [("pollux-gemini", single["subject"], upstream)] if single["subject"].serves_models else []
    for rate, factor in rates.items():
        targets = [("direct", direct(bench, "plain"), "plain"), *subjects(single, upstream)]
        for target, service, through in bench.alternating(targets):
            bench.run(f"open-{rate}-{upstream}", target, service, through, ["open", rate, seconds * factor])
    for target, service, through in bench.alternating(subjects(single, upstream) + gemini):
        form = GEMINI if target == "pollux-gemini" else OPENAI
        bench.run(f"cpu-{upstream}", target, service, through, ["saturate", 32, seconds], form=form)
    for target, service, through in bench.alternating(subjects(double, upstream)):
        bench.run(f"throughput-{upstream}", target, service, through, ["saturate", 64, seconds])


def measure_streams(bench: Bench, single: dict, double: dict):
    """Timed streams through one loop, then streams as fast as they go through two."""
    # Upstream → µs between two starts, which spreads the streams over one interval; counted rounds of streams.
    timed = {"drip": ("20", "5"), "token": ("200", "2")}
    for upstream, (stagger, repeats) in timed.items():
        targets = [("direct", direct(bench, upstream)), ("nginx", single["nginx"]), ("pollux", single["subject"])]
        for target, service in bench.alternating(targets):
            pace = ["--stagger-us", stagger, "--repeats", repeats]
            bench.run(f"sse-{upstream}", target, service, upstream, ["sse", 100], *pace, stream=True)
    fast = [("nginx", double["nginx"], OPENAI), ("pollux", double["subject"], OPENAI)]
    if double["subject"].serves_models:
        fast.append(("pollux-gemini", double["subject"], GEMINI))
    for target, service, form in bench.alternating(fast):
        least = CHUNKS + (2 if form is OPENAI else 0)
        mode = ["saturate", 64, bench.options.seconds]
        bench.run("events", target, service, "burst", mode, stream=True, form=form, least_events=least)


def measure_everything(bench: Bench, targets: list[tuple[str, Service]]):
    """The same requests through one loop, with one account and no limits, and with all that keeps accounts healthy."""
    # A tenth is to be told apart, and a machine's pace changes by more from one second to the next.
    mode = ["saturate", 32, bench.options.seconds / SLICES]
    for _ in range(SLICES):
        for target, service in bench.alternating(targets):
            bench.run("cpu-everything", target, service, "plain", mode)
            bench.run("events-everything", target, service, "burst", mode, stream=True)
    done = subprocess.run([str(ROOT / ".build/release/LimiterCost")], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        return bench.record("limiter", "pollux", {"failed": done.stderr.strip()[-500:]})
    bench.record("limiter", "pollux", {f"ns_{count}": cost for count, cost in json.loads(done.stdout).items()})


def measure_upstreams(bench: Bench, service: Service):
    """Streams through one loop from each kind of upstream to each format, as fast as they go. The simulators send the
    same words in pieces of their own kind's form; what counts is the gateway's CPU for each event that it delivers."""
    pairs = [(upstream, form) for upstream in SIMULATED for form in (OPENAI, GEMINI)]
    for upstream, form in bench.alternating(pairs):
        mode = ["saturate", 16, bench.options.seconds]
        bench.run(
            upstream, f"{form.name}-format", service, upstream, mode, stream=True, form=form, least_events=ECHO_EVENTS)


def measure_start(bench: Bench):
    """From exec to the first good answer of a completion, which needs settings, key, pool and upstream in place."""
    workshop = bench.workshop
    for _ in range(3):
        for target in bench.alternating(["nginx", "pollux"]):
            port = free_port()
            is_pollux = target == "pollux" and workshop.pollux is not None
            make = workshop.pollux_command if is_pollux else workshop.nginx_command
            service = Service(target, None, port, serves_models=is_pollux)
            body = bench.body(service.model("plain"), stream=False)
            words = ["--port", port, "--path", service.path("plain"), "--body", body]
            words += ["--header", workshop.authorization]
            bench.record("start", target, bench.load([*words, "start", *make(f"start-{target}", port, 1)]))


def measure_memory(bench: Bench, start_subject):
    """Fresh processes: idle, after load, with silent streams, with slow readers. Once; memory hardly varies."""
    workshop, streams = bench.workshop, bench.options.idle_streams
    for target, start in [("nginx", workshop.start_nginx), ("pollux", start_subject)]:
        service = start(f"memory-{target}", 2)
        bench.run("rss-idle", target, service, "plain", ["open", 20, 1], "--connections", 1)
        bench.run("rss-load", target, service, "plain", ["saturate", 64, bench.options.seconds])
        bench.run("rss-load", target, service, "burst", ["saturate", 64, bench.options.seconds], stream=True)
        workshop.stop(service)
        service = start(f"memory-{target}", 2)
        bench.run("rss-streams", target, service, "hold", ["idle", streams, 2], stream=True)
        workshop.stop(service)
        service = start(f"memory-{target}", 2)
        bench.run("rss-slow", target, service, "flood", ["slow", 1000, 20], stream=True)
        workshop.stop(service)


# MARK: the whole


def measure(bench: Bench, rows: list[str]):
    workshop = bench.workshop
    start_subject = workshop.start_pollux if workshop.pollux else workshop.start_nginx
    if {"plain", "tls", "sse"} & set(rows):
        single = {"nginx": workshop.start_nginx("nginx-1", 1), "subject": start_subject("subject-1", 1)}
        double = {"nginx": workshop.start_nginx("nginx-2", 2), "subject": start_subject("subject-2", 2)}
    if "upstreams" in rows and workshop.pollux:
        workshop.start_simulators()
        on_simulators = workshop.start_pollux_on_simulators()
    if "everything" in rows and workshop.pollux:
        degrees = [
            ("pollux-bare", workshop.start_pollux_bare()),
            ("pollux-everything", workshop.start_pollux_with_everything()),
            ("pollux-layers", workshop.start_pollux_with_all_layers()),
        ]
    for bench.round in range(bench.options.rounds):
        if "plain" in rows:
            measure_requests(bench, single, double, "plain", {20: 1.5, 100: 1, 1000: 1})
        if "tls" in rows:
            measure_requests(bench, single, double, "tls", {1000: 1})
        if "sse" in rows:
            measure_streams(bench, single, double)
        if "everything" in rows and workshop.pollux:
            measure_everything(bench, degrees)
        if "upstreams" in rows and workshop.pollux:
            measure_upstreams(bench, on_simulators)
        if "start" in rows:
            measure_start(bench)
    bench.round = 0
    if "rss" in rows:
        measure_memory(bench, start_subject)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / ".bench", help="for binaries, settings and results")
    parser.add_argument("--pollux", type=Path, default=ROOT / ".build/release/pollux")
    parser.add_argument("--rows", default=",".join(ROWS), help="which rows, separated by commas: %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of one run (default %(default)s)")
    parser.add_argument("--null", action="store_true", help="nginx in Pollux's place: shows the noise of the machine")
    options = parser.parse_args()
    unknown = set(options.rows.split(",")) - set(ROWS)
    if unknown:
        parser.error(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(ROWS)}")
    return options


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every service is stopped on the way out
    options = arguments()
    rows = options.rows.split(",")
    # A gateway holds two descriptors per stream.
    options.idle_streams = min(5000, (raise_file_limit() - 500) // 2)
    facts = machine() | {
        "date": datetime.date.today().isoformat(),
        "rounds": options.rounds,
        "seconds": options.seconds,
        "null": options.null,
        "busy_before": busy_share(),
    }
    with Workshop(options.folder, None if options.null else options.pollux) as workshop:
        bench = Bench(workshop, options)
        measure(bench, rows)
    facts["busy_after"] = busy_share()
    results = {"facts": facts, "records": bench.records}
    (options.folder / "results.json").write_text(json.dumps(results, indent=1))
    is_whole = set(rows) == set(ROWS) and options.rounds >= 3 and not options.null
    page = ROOT / "docs/benchmarks.md" if is_whole else options.folder / "benchmarks.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text(report.render(results))
    print(report.targets_table(results))
    print(f"written to {page}" + ("" if is_whole else " (only a whole run of three rounds writes docs/benchmarks.md)"))
    return 1 if report.faults(bench.records) else 0


if __name__ == "__main__":
    sys.exit(main())
