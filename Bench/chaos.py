"""Fifty parallel clients, twenty accounts, and an upstream that fails in four ways. Says for each whether what clients
saw and what the upstream was asked stay within their bounds. Called by `make chaos`; see --help."""

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from clients import Client, Crowd
from trial import ACCOUNTS, Trial

CLIENTS = 50
FOR_EVER = 1_000_000
# What fails before anything is sent: an error, a connection that breaks, an answer that is none.
FAILURES = [{"status": 500}, {"directives": "[[sim:drop=reset]]"}, {"directives": "[[sim:emptybody]]"}]
# What fails behind the first text, and the code that the client is told (requirements, section 13, "after").
LATE_FAILURES = {
    "[[sim:cut=3]]": "upstream_truncated",
    "[[sim:reset=3]]": "upstream_reset",
    "[[sim:badjson=3]]": "upstream_bad_response",
    "[[sim:stall=3]]": "upstream_timeout",
    "[[sim:nofinish]]": "upstream_truncated",
    "[[sim:errorevent=500,at=3]]": "upstream_error",
}


@dataclass
class Result:
    name: str
    requests: int = 0
    succeeded: float = 0.0
    calls_at_first: float = 0.0  # upstream calls per request in the first ten seconds
    calls_later: float = 0.0
    calls_behind: int = 0  # upstream calls that no answer's head had counted: made after it was committed
    outcomes: dict = field(default_factory=dict)
    states: dict = field(default_factory=dict)
    leases: int = 0  # still held when nobody asks any more
    endpoint_openings: int = 0
    breaches: list = field(default_factory=list)

    def hold(self, holds: bool, what: str):
        if not holds:
            self.breaches.append(what)


def share(probability: float) -> list[dict]:
    """Each way of failing with a third of the probability; drawn one after the other for a request."""
    part = probability / len(FAILURES)
    return [{"method": "chat.completions", "times": FOR_EVER, "share": part, **failure} for failure in FAILURES]


def run(name: str, trial: Trial, seconds: float, streams: str, faults: list[dict]) -> Result:
    """`streams`: "mixed" or "all" of the requests are streamed."""
    result = Result(name)
    trial.reset_upstream()
    if faults:
        trial.order(*faults)

    def work(client: Client, number: int):
        return client.ask(f"chaos {number}", stream=streams == "all" or number % 2 == 0)

    def make_client() -> Client:
        return Client(trial.gateway.port, trial.key, "sim-large")

    crowd = Crowd(CLIENTS, make_client, work)
    crowd.run(min(10, seconds / 3))
    early_requests, early_calls = crowd.total, trial.upstream_calls()
    crowd.run(seconds - min(10, seconds / 3))
    result.requests, result.outcomes = crowd.total, dict(sorted(crowd.outcomes.items()))
    result.succeeded = crowd.outcomes.get("ok", 0) / max(1, crowd.total)
    result.calls_at_first = early_calls / max(1, early_requests)
    calls = trial.upstream_calls()
    result.calls_later = (calls - early_calls) / max(1, crowd.total - early_requests)
    result.calls_behind = calls - crowd.attempts
    examine_accounts(trial, result)
    return result


def examine_accounts(trial: Trial, result: Result):
    """Nobody asks any more: no lease may be held, and every account must come back by itself."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        accounts = trial.accounts()
        result.leases = sum(account["in_flight"] for account in accounts)
        if result.leases == 0:
            break
        time.sleep(0.1)
    for account in accounts:
        code = account["state"]["code"]
        result.states[code] = result.states.get(code, 0) + 1
    lost = {code for code in result.states if code not in ("ready", "expiring", "cooling", "suspended")}
    result.hold(len(accounts) == ACCOUNTS and not lost, f"accounts are lost: {result.states}")
    result.hold(result.leases == 0, f"{result.leases} leases are still held")
    suspensions = trial.metric("pollux_endpoint_transitions_total", 'provider="upstream",state="suspended"')
    result.endpoint_openings = int(suspensions)


def bad_accounts(options) -> Result:
    with Trial(options.pollux, "chaos.yaml", RETRY="{}") as trial:
        faults = [
            {"account": key, "method": "chat.completions", "status": 500, "times": FOR_EVER}
            for key in trial.api_keys[:4]
        ]
        result = run("(a) 4 of 20 accounts fail every call", trial, options.seconds, "mixed", faults)
    result.hold(result.succeeded >= 0.999, "fewer than 99.9 % succeed")
    result.hold(result.calls_later <= 1.2, "more than 1.2 upstream calls per request after 10 s")
    return result


def some_failures(options) -> Result:
    with Trial(options.pollux, "chaos.yaml", RETRY="{}") as trial:
        result = run("(b) every call fails with p = 0.05", trial, options.seconds, "mixed", share(0.05))
    result.hold(result.succeeded >= 0.999, "fewer than 99.9 % succeed")
    result.hold(max(result.calls_at_first, result.calls_later) <= 1.1, "more than 1.1 upstream calls per request")
    return result


def many_failures(options) -> Result:
    with Trial(options.pollux, "chaos.yaml", RETRY="{max_retries: 4, budget: 0.3}") as trial:
        result = run("(c) every call fails with p = 0.2", trial, options.seconds, "mixed", share(0.2))
    result.hold(result.succeeded >= 0.999, "fewer than 99.9 % succeed")
    result.hold(max(result.calls_at_first, result.calls_later) <= 1.3, "more than 1.3 upstream calls per request")
    result.hold(result.endpoint_openings == 0, "the endpoint breaker opened")
    return result


def late_failures(options) -> Result:
    part = 0.3 / len(LATE_FAILURES)
    faults = [
        {"method": "chat.completions", "times": FOR_EVER, "share": part, "directives": mark} for mark in LATE_FAILURES
    ]
    with Trial(options.pollux, "chaos.yaml", RETRY="{}") as trial:
        result = run("(d) p = 0.3 behind the first text", trial, options.seconds, "all", faults)
    known = {"ok"} | {f"after 200 {code}" for code in LATE_FAILURES.values()}
    strange = {name: count for name, count in result.outcomes.items() if name not in known}
    result.hold(not strange, f"answers that end otherwise: {strange}")
    missing = known - set(result.outcomes)
    result.hold(not missing, f"endings that did not occur: {missing}")
    # What was asked again before the first text, a first byte that came late, is not meant.
    result.hold(result.calls_behind <= 0, f"{result.calls_behind} upstream calls behind the commit")
    return result


TRIALS = {"a": bad_accounts, "b": some_failures, "c": many_failures, "d": late_failures}


def table(results: list[Result]) -> str:
    lines = [
        "| | requests | succeeded | upstream calls per request, first 10 s | later | accounts at the end | leases held "
        "| endpoint breaker opened |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for result in results:
        states = ", ".join(f"{count} {state}" for state, count in sorted(result.states.items()))
        lines.append(
            f"| {result.name} | {result.requests} | {100 * result.succeeded:.3f} % | {result.calls_at_first:.3f} "
            f"| {result.calls_later:.3f} | {states} | {result.leases} | {result.endpoint_openings} |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--pollux", type=Path, default=root / ".build/release/pollux")
    parser.add_argument("--seconds", type=float, default=40, help="of each trial (default %(default)s)")
    parser.add_argument("--trials", default="a,b,c,d", help="which, separated by commas: %(default)s")
    options = parser.parse_args()
    results = []
    for name in options.trials.split(","):
        result = TRIALS[name](options)
        results.append(result)
        print(f"{result.name}: {result.outcomes}", flush=True)
        for breach in result.breaches:
            print(f"  MISSED: {breach}", flush=True)
    print("\n" + table(results))
    return 1 if any(result.breaches for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
