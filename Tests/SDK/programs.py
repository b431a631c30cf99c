"""Runs `pollux simulate` and `pollux serve` for the tests and learns their addresses from what they print."""

import json
import os
import re
import secrets
import signal
import subprocess
import threading
import time
import urllib.parse
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
            return found if {"openai", "gemini-business", "gemini-web"} <= found.keys() else None

        found = self.wait_for(addresses)
        self.openai, self.business, self.web = found["openai"], found["gemini-business"], found["gemini-web"]


class Gateway(Program):
    """`pollux serve` with providers for each simulator; the folder takes its settings and state.

    An account of the web app answers one request at a time, so there are some of them.
    """

    def __init__(self, folder: Path, openai: str, business: str, web: str, web_accounts: int = 6):
        self.key = "sdk-" + secrets.token_hex(20)
        self.limited_key = "sdk-" + secrets.token_hex(20)
        (folder / "accounts.json").write_text(json.dumps([SAMPLE_ACCOUNT]))
        for name in ["web", "web-temporary"]:
            accounts = [sample_web_account() for _ in range(web_accounts)]
            (folder / f"{name}.json").write_text(json.dumps(accounts))
        settings = folder / "settings.yaml"
        names = {"openai": openai, "business": business, "web": web}
        settings.write_text(SETTINGS.format(folder=folder, key=self.key, limited_key=self.limited_key, **names))
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


def sample_web_account() -> dict:
    """An account that no other gateway uses; the simulated web app takes any name."""
    name = "sdk" + secrets.token_hex(6)
    return {"id": name, "secure_1psid": f"g.a000sim-{name}", "secure_1psidts": f"sidts-sim-{name}-0"}


SETTINGS = """\
server: {{listen: "127.0.0.1:0"}}
state:  {{folder: "{folder}/state"}}
queue:  {{max_wait: 1s}}
keys:
  - {{name: sdk, key: "{key}", models: ["*"]}}
  - {{name: sdk-limited, key: "{limited_key}", models: ["*"], limits: {{requests: 2/1h, burst: 2, tokens: 100000/1d}}}}
credential_sources:
  - {{name: accounts, kind: file, path: "{folder}/accounts.json"}}
  - {{name: web, kind: file, path: "{folder}/web.json"}}
  - {{name: web-temporary, kind: file, path: "{folder}/web-temporary.json"}}
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
  - {{name: web, kind: gemini-web, credentials: [web], base_url: "{web}"}}
  - name: web-temporary
    kind: gemini-web
    credentials: [web-temporary]
    base_url: "{web}"
    history: temporary
"""

LONG = "and a long tail of words " * 8


@dataclass
class Upstream:
    """One simulated upstream and the model by which clients reach it through the gateway.

    The methods that take a text return a prompt with it that makes the upstream do something. What is below here holds
    for the upstreams that are steered by marks; what differs stands in the classes behind.
    """

    name: str
    model: str
    address: str
    # Seconds that a client may be told to wait after `limited`, at most.
    longest_wait = 7

    @property
    def breaking_model(self) -> str:
        """The model of which an answer that breaks off stays so."""
        return self.model

    def slowly(self, text: str) -> str:
        """The answer takes seconds. The simulators make more pieces of a longer prompt."""
        return f"{text} [[sim:slow=200]] [[sim:chunks=40]] " + "please repeat all of this " * 12

    def breaks_off(self, text: str) -> str:
        """The connection ends inside the answer; only with `breaking_model`."""
        return f"[[sim:cut]] {text} {LONG}"

    def fails(self, status: int, text: str) -> str:
        return f"[[sim:http={status}]] {text}"

    def limited(self, text: str) -> str:
        """Too many requests; come back in seven seconds, where the upstream can say so."""
        return f"[[sim:http=429]] [[sim:retry-after=7]] {text}"

    def thinks(self, text: str) -> str:
        return f"[[sim:think]] {text}"

    def calls(self, name: str, arguments: dict, text: str) -> str:
        """The answer is a call of this function."""
        return f"[[sim:tool={name}]] [[sim:args={json.dumps(arguments, separators=(',', ':'))}]] {text}"

    def journal(self) -> list[dict]:
        return self._look("journal")["entries"]

    def calls_with(self, text: str) -> list[dict]:
        """The requests whose body holds the text; the tests put a word of their own into each prompt."""
        return [entry for entry in self.journal() if text in json.dumps(entry.get("body"))]

    def conversation_at(self, text: str) -> str:
        """All that the upstream knew of the conversation at the latest request with the text."""
        return str(self.calls_with(text)[-1]["body"])

    def goes_on_in(self, answer: str) -> bool:
        """Whether the answer is the second of a chat that the upstream itself keeps."""
        return False

    def _look(self, path: str) -> dict:
        with urllib.request.urlopen(f"{self.address}/__sim/{path}", timeout=5) as answer:
            found = json.load(answer)
        return found if isinstance(found, dict) else {"entries": found}


class BusinessUpstream(Upstream):
    """It names no time of its own with a limit, so there the gateway's cooldown counts. It keeps sessions."""

    longest_wait = 7200

    def thinks(self, text: str) -> str:
        """It always does."""
        return text

    def calls(self, name: str, arguments: dict, text: str) -> str:
        """What is echoed last is read as the model's own call."""
        return f"{text}\n```pollux-call\n{json.dumps({'name': name, 'arguments': arguments})}\n```"

    def goes_on_in(self, answer: str) -> bool:
        return "|turn=2]" in answer

    def conversation_at(self, text: str) -> str:
        session = _session(self.calls_with(text)[-1])
        return str([entry["body"] for entry in self.journal() if _session(entry) == session])


class WebUpstream(Upstream):
    """The web app: steered by lines, and its echo is the prompt's last line. It keeps chats, which go on there."""

    longest_wait = 7200

    @property
    def breaking_model(self) -> str:
        # Chats that the account's history keeps are read back, and the answer is whole nevertheless.
        return os.environ.get("POLLUX_MODEL_WEB_TEMPORARY", "web-temporary/gemini-flash")

    def slowly(self, text: str) -> str:
        return f"!sim stall 8\n{text} {LONG}"

    def breaks_off(self, text: str) -> str:
        return f"!sim cut x\n{text} {LONG}"

    def ends_early(self, text: str) -> str:
        """The stream ends in order, but half-way in the answer."""
        return f"!sim truncate x\n{text} {LONG}"

    def fails(self, status: int, text: str) -> str:
        return f"!sim http {status}\n{text}"

    def limited(self, text: str) -> str:
        return self.fails(429, text)

    def thinks(self, text: str) -> str:
        return f"!sim think I wonder what that means.\n{text}"

    def calls(self, name: str, arguments: dict, text: str) -> str:
        return f"!sim call {name} {json.dumps(arguments)}\n{text}"

    def says(self, reply: str, text: str) -> str:
        """The answer is this line."""
        return f"!sim say {reply}\n{text}"

    def orders(self, *directives: str):
        """The next questions meet these lines, one each, whatever their prompts say."""
        faults = [{"method": "StreamGenerate", "directives": lines, "times": 1} for lines in directives]
        request = urllib.request.Request(f"{self.address}/__sim/fault", json.dumps(faults).encode())
        urllib.request.urlopen(request, timeout=5).close()

    def journal(self) -> list[dict]:
        """The journal tells how each turn ended, the list of requests what it asked; the query links the two."""
        questions = [entry for entry in self._look("requests?since=0")["requests"] if "prompt" in entry]
        asked = {(entry["query"]["f.sid"], entry["query"]["_reqid"]): entry for entry in questions}
        entries = []
        for entry in super().journal():
            query = dict(urllib.parse.parse_qsl(entry["query"]))
            if question := asked.get((query.get("f.sid"), query.get("_reqid"))):
                entries.append(entry | {"body": {"prompt": question["prompt"]}, "cid": question["cid"]})
        return entries

    def goes_on_in(self, answer: str) -> bool:
        return answer.startswith("turn 2:")

    def conversation_at(self, text: str) -> str:
        entries = self.journal()
        latest = max(index for index, entry in enumerate(entries) if text in entry["body"]["prompt"])
        account = entries[latest]["account"]
        known = [entry for entry in entries[: latest + 1] if entry["account"] == account]
        # The chat's first question named no chat. No test puts another between that and the next one.
        first = max(index for index, entry in enumerate(known) if not entry["cid"])
        return str([entry["body"] for entry in known[first:]])


def _session(entry: dict) -> str | None:
    return ((entry.get("body") or {}).get("streamAssistRequest") or {}).get("session")


def eventually(condition, seconds: float):
    """Asks until the condition gives something true, which is returned; fails after so many seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"still not so after {seconds} s: {condition.__doc__ or condition.__name__}"
        time.sleep(0.01)
    return found
