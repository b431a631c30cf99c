"""Runs `pollux simulate` and `pollux serve` for the tests and learns their addresses from what they print."""

import json
import os
import re
import secrets
import signal
import subprocess
import threading
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 20


def ready_address(line: str) -> str | None:
    """The gateway's base address, if this is the line by which `pollux serve` says that it is ready."""
    found = re.search(r"listening on (http://[^\s/]+)", line)
    return found[1] if found else None


def simulator_address(line: str) -> tuple[str, str] | None:
    """(kind, base address), if this is a line by which `pollux simulate all` names one of its upstreams."""
    found = re.search(r"\b(gemini-web|gemini-business|openai)\b.*?(http://[^\s/]+)", line)
    return (found[1], found[2]) if found else None


class Program:
    """A child process whose output is kept, line by line."""

    def __init__(self, *arguments: str):
        binary = os.environ.get("POLLUX_BIN", str(ROOT / ".build/debug/pollux"))
        command = [binary, *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._lines: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._lines.append("(ended)")
            self._changed.notify_all()

    def wait_for(self, find):
        """Returns what `find` makes of all lines so far, as soon as that is something."""
        with self._changed:
            self._changed.wait_for(lambda: find(self._lines) or "(ended)" in self._lines, START_SECONDS)
            found = find(self._lines)
            assert found, "pollux did not become ready; it said:\n" + "\n".join(self._lines)
            return found

    def stop(self):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Simulators(Program):
    """All simulated upstreams."""

    def __init__(self):
        super().__init__("simulate", "all", "--listen", "127.0.0.1:0")

        def addresses(lines):
            found = dict(filter(None, map(simulator_address, lines)))
            return found if {"openai", "gemini-business"} <= found.keys() else None

        found = self.wait_for(addresses)
        self.openai, self.business = found["openai"], found["gemini-business"]


class Gateway(Program):
    """`pollux serve` with one provider for each simulator; the folder takes its settings and state."""

    def __init__(self, folder: Path, openai: str, business: str):
        self.key = "sdk-" + secrets.token_hex(20)
        (folder / "accounts.json").write_text(json.dumps([SAMPLE_ACCOUNT]))
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS.format(folder=folder, key=self.key, openai=openai, business=business))
        super().__init__("serve", "--settings", str(settings))
        self.origin = self.wait_for(lambda lines: next(filter(None, map(ready_address, lines)), None))


# The first of the invented accounts that the simulated Gemini Business always knows.
SAMPLE_ACCOUNT = {
    "id": "sdk",
    "csesidx": "498000001",
    "config_id": "0cd0aa00-0000-4000-8000-00000000c001",
    "secure_c_ses": "CSE.Ad-invented-001",
    "host_c_oses": "COS.Af-invented-001",
}

SETTINGS = """\
server: {{listen: "127.0.0.1:0"}}
state:  {{folder: "{folder}/state"}}
queue:  {{max_wait: 1s}}
keys:
  - {{name: sdk, key: "{key}", models: ["*"]}}
credential_sources:
  - {{name: accounts, kind: file, path: "{folder}/accounts.json"}}
providers:
  - name: openai
    kind: openai-compatible
    base_url: "{openai}/v1"
    models: [sim-large]
    pool: {{max_in_flight: 8}}
  - name: business
    kind: gemini-business
    credentials: [accounts]
    auth_base: "{business}"
    api_base: "{business}"
    accounts_base: "{business}"
    pool: {{max_in_flight: 8}}
"""


@dataclass
class Upstream:
    """One simulated upstream and the model by which clients reach it through the gateway."""

    name: str
    model: str
    address: str

    def journal(self) -> list[dict]:
        with urllib.request.urlopen(f"{self.address}/__sim/journal", timeout=5) as answer:
            found = json.load(answer)
        return found["entries"] if isinstance(found, dict) else found

    def calls_with(self, text: str) -> list[dict]:
        """The requests whose body holds the text; the tests put a word of their own into each prompt."""
        return [entry for entry in self.journal() if text in json.dumps(entry.get("body"))]


def eventually(condition, seconds: float):
    """Asks until the condition gives something true, which is returned; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {condition.__doc__ or condition.__name__}"
        time.sleep(0.01)
    return found
