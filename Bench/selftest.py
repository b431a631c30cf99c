"""Checks the tools of the benchmark themselves: `python3 Bench/selftest.py` (needs a C compiler)."""

import json
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from report import Results, faults, render, upstream_table
from services import HERE, free_port

WHOLE = '{"model":"bench-model","messages":[{"role":"user","content":"hi"}]}'
STREAM = WHOLE.replace("{", '{"stream":true,', 1)


class LoadGenerator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.at = Path(cls.folder.name)
        flags = ["cc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=undefined"]
        sources = sorted(map(str, (HERE / "loadgen").glob("*.c")))
        subprocess.run([*flags, "-o", cls.at / "loadgen", *sources], check=True)
        subprocess.run([*flags, "-o", cls.at / "sse_upstream", HERE / "sse_upstream.c"], check=True)

    def upstream(self, *options) -> tuple[subprocess.Popen, int]:
        port = free_port()
        process = subprocess.Popen([self.at / "sse_upstream", "--port", str(port), *options])
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, port

    def load(self, port: int, body: str, *words) -> dict:
        path = self.at / "body.json"
        path.write_text(body)
        command = [self.at / "loadgen", "--port", port, "--path", "/v1/chat/completions", "--body", path, *words]
        for _ in range(200):   # the upstream may not listen yet
            done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
            if "Connection refused" not in done.stderr:
                break
            time.sleep(0.01)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_stall_is_charged_to_every_request_it_delayed(self):
        process, port = self.upstream()
        self.load(port, WHOLE, "open", 10, 0.1)   # the upstream is up

        def stall():
            time.sleep(0.8)
            process.send_signal(signal.SIGSTOP)
            time.sleep(0.4)
            process.send_signal(signal.SIGCONT)

        thread = threading.Thread(target=stall)
        thread.start()
        result = self.load(port, WHOLE, "--expect", "canned", "--warmup", 0, "open", 500, 2)
        thread.join()
        self.assertEqual((result["ok"], result["errors"]), (1000, 0))
        # A fifth of the schedule fell into 400 ms of silence, so the slowest tenth waited 200 ms and more.
        self.assertGreater(result["latency_p90_us"], 150_000)

    def test_a_wrong_answer_is_an_error(self):
        _, port = self.upstream()
        result = self.load(port, WHOLE, "--expect", "something else", "open", 100, 0.2)
        self.assertEqual((result["ok"], result["counted"]), (0, 0))
        self.assertGreater(result["errors"], 0)
        short = self.load(port, STREAM, "--expect", "[DONE]", "--least-events", 1000, "--repeats", 1, "sse", 3)
        self.assertEqual((short["ok"], short["errors"]), (0, 6))

    def test_every_event_of_every_stream_is_timed(self):
        _, port = self.upstream("--chunks", "20", "--interval-us", "1000")
        result = self.load(port, STREAM, "--expect", "[DONE]", "--least-events", 22, "--repeats", 2, "sse", 5)
        self.assertEqual((result["ok"], result["errors"], result["stamped"]), (15, 0, 2 * 5 * 20))
        self.assertEqual((result["first_samples"], result["delay_samples"]), (10, 190))
        self.assertGreater(result["gap_p50_us"], 500)

    def test_silent_streams_and_slow_readers_are_counted(self):
        _, port = self.upstream("--hold")
        self.assertEqual(self.load(port, STREAM, "idle", 20, 0.2)["alive"], 20)
        _, port = self.upstream("--interval-us", "0", "--chunks", "100000")
        slow = self.load(port, STREAM, "slow", 20, 0.5)
        self.assertEqual(slow["alive"], 20)
        self.assertLessEqual(slow["bytes"], 20 * 1024 * 6)


class Report(unittest.TestCase):
    RECORDS = [
        {"row": "open-1000-plain", "target": target, "round": number, "latency_p50_us": value}
        for number, values in enumerate([(100, 150, 200), (90, 140, 240), (100, 110, 130)])
        for target, value in zip(("direct", "nginx", "pollux"), values)
    ]

    def test_ratios_are_taken_within_a_round_and_then_the_median(self):
        results = Results(self.RECORDS)
        self.assertEqual(results.added_ratio("open-1000-plain", "pollux", "latency_p50_us"), 3)
        self.assertEqual(results.median("open-1000-plain", "pollux", "latency_p50_us"), 200)

    def test_kinds_of_upstream_are_compared_by_the_cpu_for_a_request_and_for_an_event_in_the_same_format(self):
        values = [
            ("sim-openai", "openai-format", 100, 4), ("sim-openai", "gemini-format", 50, 2),
            ("sim-business", "openai-format", 150, 10), ("sim-business", "gemini-format", 150, 10),
        ]
        records = [
            {"row": row, "target": target, "round": 0, "cpu_us_per_request": request, "cpu_us_per_event": event}
            for row, target, request, event in values
        ]
        lines = upstream_table(Results(records)).splitlines()
        business = [line for line in lines if line.startswith("| gemini-business |")]
        self.assertIn("| 150 µs | 1.50 × | 10.0 µs | 2.50 × |", business[0])
        self.assertIn("| 150 µs | 3.00 × | 10.0 µs | 5.00 × |", business[1])

    def test_what_went_wrong_is_on_the_page(self):
        records = [*self.RECORDS, {"row": "events", "target": "pollux", "round": 0, "failed": "it fell over"}]
        self.assertEqual(len(faults(records)), 1)
        facts = {"date": "", "rounds": 3, "seconds": 1, "cores": 2, "architecture": "", "system": "", "kernel": "",
                 "nginx": "", "busy_before": 0, "busy_after": 0, "null": False}
        self.assertIn("it fell over", render({"facts": facts, "records": records}))


if __name__ == "__main__":
    unittest.main()
