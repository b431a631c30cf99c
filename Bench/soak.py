"""A long run of everything at once: whole and streamed answers, clients that leave, upstream faults, hostile requests.
Says whether memory and descriptors stay where they are. Called by `make soak`; see --help."""

import argparse
import http.client
import os
import random
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from chaos import FOR_EVER, LATE_FAILURES, share
from clients import COMPLETIONS, Client, Crowd, Outcome
from trial import Trial

CLIENTS = 24
SLOPE_LIMIT = 400.0  # KiB of resident memory per 1,000 requests
DESCRIPTOR_SLACK = 8

# What no client of good will sends, and the statuses that may answer it.
HOSTILE = [
    (b'{"model": "sim-large", "messages": [', {400}),
    (b'{"model": "sim-large"}', {400}),
    (b'{"model": "sim-large", "messages": "x"}', {400}),
    (b'{"model": "nobody-has-this", "messages": [{"role": "user", "content": "x"}]}', {404}),
    (b'{"model": "sim-large", "messages": [{"role": "user", "content": "x"}], "max_tokens": 9223372036854775807}', {200, 400}),
    (b"[" * 100_000, {400}),
    (b'{"a": "' + b"x" * 300_000 + b'"}', {400}),
    (bytes(range(256)), {400}),
]


@dataclass
class Sample:
    seconds: float
    requests: int
    resident: int  # KiB
    descriptors: int


def hostile(client: Client, dice: random.Random) -> Outcome:
    body, statuses = dice.choice(HOSTILE)
    key = client.key if dice.random() < 0.9 else "wrong-key"
    if key == "wrong-key":
        statuses = {401, 429}
    connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=30)
    try:
        connection.request("POST", COMPLETIONS, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status in statuses:
            return Outcome(answer.status, "refused as it should be", is_whole=False)
        return Outcome(answer.status, "wrong answer to a hostile request")
    except (OSError, http.client.HTTPException) as error:
        return Outcome(0, f"hostile request: {type(error).__name__}")
    finally:
        connection.close()


def work(dice: random.Random):
    """One request of a mixed day."""

    def ask(client: Client, number: int) -> Outcome:
        draw = dice.random()
        if draw < 0.05:
            return hostile(client, dice)
        text = f"soak {number} " + "word " * dice.randrange(200)
        if draw < 0.15:
            return client.ask(text, stream=True, leave_after=dice.randrange(1, 6))
        return client.ask(text, stream=draw < 0.6)

    return ask


def resident(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise RuntimeError(f"process {pid} has no VmRSS line")


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def kept_connections(port: int) -> int:
    """Connections to the upstream that are kept for the next request: open, and meant to be."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(1 for line in lines if line.split()[2].endswith(f":{port:04X}") and line.split()[3] in ("01", "08"))


def highest(samples: list[Sample]) -> int:
    return max(sample.descriptors for sample in samples)


def slope(samples: list[Sample]) -> float:
    """KiB per 1,000 requests, by least squares."""
    if len(samples) < 3:
        raise RuntimeError("the run was too short to tell: fewer than three samples behind the warm-up")
    return statistics.linear_regression([s.requests / 1000 for s in samples], [s.resident for s in samples]).slope


def run(trial: Trial, minutes: float, seed: int) -> tuple[Crowd, list[Sample], int, int]:
    pid = trial.gateway.process.pid
    trial.order(*share(0.03))
    trial.order(*[
        {"method": "chat.completions", "times": FOR_EVER, "share": 0.01, "directives": mark} for mark in LATE_FAILURES
    ])
    before = descriptors(pid)
    seeds = iter(range(seed, seed + CLIENTS + 1))
    crowd = Crowd(CLIENTS, lambda: Client(trial.gateway.port, trial.key, "sim-large"), None)
    # Each client has dice of its own, so that a seed says what each of them asks.
    dice_of: dict[int, object] = {}

    def ask(client: Client, number: int) -> Outcome:
        if id(client) not in dice_of:
            with crowd.lock:
                dice_of[id(client)] = work(random.Random(next(seeds)))
        return dice_of[id(client)](client, number)

    crowd.work = ask
    samples: list[Sample] = []
    start = time.monotonic()
    runner = threading.Thread(target=crowd.run, args=(minutes * 60,))
    runner.start()
    while runner.is_alive():
        runner.join(5)
        samples.append(Sample(time.monotonic() - start, crowd.total, resident(pid), descriptors(pid)))
        if len(samples) % 12 == 0:
            last = samples[-1]
            print(f"  {last.seconds:5.0f} s: {last.requests} requests, {last.resident} KiB, {last.descriptors} descriptors", flush=True)
    deadline = time.monotonic() + 10  # the last clients leave
    while (after := descriptors(pid) - kept_connections(trial.upstream.port)) > before and time.monotonic() < deadline:
        time.sleep(0.5)
    return crowd, samples, before, after


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    root = Path(__file__).resolve().parent.parent
    parser.add_argument("--pollux", type=Path, default=root / ".build/release/pollux")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"soak: {options.minutes:g} minutes, {CLIENTS} clients, seed {options.seed}", flush=True)
    with Trial(options.pollux, "chaos.yaml", RETRY="{}") as trial:
        crowd, samples, before, after = run(trial, options.minutes, options.seed)
        held = sum(account["in_flight"] for account in trial.accounts())
    behind_warm_up = samples[max(1, len(samples) // 10):]
    growth = slope(behind_warm_up)
    third = max(1, len(behind_warm_up) // 3)
    early, late = highest(behind_warm_up[:third]), highest(behind_warm_up[-third:])
    wrong = {
        name: count for name, count in crowd.outcomes.items()
        if "wrong answer" in name or "hostile request" in name or name.startswith("before 0") or " 500 " in name
    }
    print("\n".join(f"  {count:8} {name}" for name, count in sorted(crowd.outcomes.items())))
    print(
        f"{crowd.total} requests; memory {behind_warm_up[0].resident} -> {samples[-1].resident} KiB, slope {growth:.1f} KiB "
        f"per 1,000 requests (at most {SLOPE_LIMIT:.0f}); descriptors at most {early} in the first third and {late} in the last, "
        f"{before} before and {after} after it beside kept connections; leases held {held}"
    )
    misses = []
    if growth >= SLOPE_LIMIT:
        misses.append("memory grows")
    if late > early + DESCRIPTOR_SLACK:
        misses.append("descriptors grow")
    if after > before + DESCRIPTOR_SLACK:
        misses.append("descriptors are left open")
    if held:
        misses.append("leases are still held")
    if wrong:
        misses.append(f"wrong answers: {wrong}")
    for miss in misses:
        print(f"MISSED: {miss}")
    return 1 if misses else 0


if __name__ == "__main__":
    sys.exit(main())
