"""A gateway of its own with three accounts of a simulated Gemini Business, for tests that count its upstream's calls."""

import functools
import hashlib
import http.server
import json
import re
import secrets
import threading
import urllib.error
import urllib.request
from collections import Counter
from pathlib import Path

from programs import Program, ready_address, simulator_address

ACCOUNTS = 3
TEXT_MODEL = "gemini-2.5-pro"

SETTINGS = """\
server: {{listen: "127.0.0.1:0"}}
state:  {{folder: "{folder}/state"}}
queue:  {{max_wait: 5s}}
media:  {{allow_hosts: ["{files}"]}}
keys:
  - {{name: one, key: "{key}"}}
  - {{name: two, key: "{other_key}"}}
credential_sources:
  - {{name: accounts, kind: file, path: "{folder}/accounts.json"}}
providers:
  - name: business
    kind: gemini-business
    credentials: [accounts]
    auth_base: "{base}"
    api_base: "{base}"
    accounts_base: "{base}"
    pool: {{max_in_flight: 4}}
"""


class BusinessSimulator(Program):
    def __init__(self):
        super().__init__("simulate", "gemini-business", "--listen", "127.0.0.1:0", "--chunk-delay", "0")

        def address(lines):
            found = dict(filter(None, map(simulator_address, lines)))
            return found.get("gemini-business")

        self.base = self.wait_for(address)

    def accounts(self) -> list[dict]:
        number = "498000003"
        self._post("accounts", {
            "id": "ops3@example.org", "csesidx": number, "config_id": "0cd0aa00-0000-4000-8000-00000000c003",
            "secure_c_ses": "CSE.Ad-invented-003", "host_c_oses": "COS.Af-invented-003",
        })
        accounts = self._get("accounts")
        assert len(accounts) == ACCOUNTS
        return accounts

    def fault(self, method: str, status: int, times: int = 1, **more):
        self._post("fault", {"method": method, "status": status, "times": times} | more)

    def journal(self) -> list[dict]:
        found = self._get("journal")
        return found["entries"] if isinstance(found, dict) else found

    def _get(self, path: str):
        with urllib.request.urlopen(f"{self.base}/__sim/{path}", timeout=5) as answer:
            return json.load(answer)

    def _post(self, path: str, body):
        request = urllib.request.Request(f"{self.base}/__sim/{path}", json.dumps(body).encode())
        urllib.request.urlopen(request, timeout=5).close()


class FileServer:
    """Serves some files on loopback, as another site of the internet would."""

    def __init__(self, folder: Path):
        handler = functools.partial(_Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.host = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class BusinessWorld:
    """Simulator, gateway and a server of files. `mark` begins a new count of what the upstream is asked."""

    def __init__(self, folder: Path):
        self.simulator = BusinessSimulator()
        self.files_folder = folder / "files"
        self.files_folder.mkdir()
        self.files = FileServer(self.files_folder)
        self.key, self.other_key = ("sdk-" + secrets.token_hex(20) for _ in range(2))
        accounts = [
            {name: account[name] for name in ["id", "csesidx", "config_id", "secure_c_ses", "host_c_oses"]}
            for account in self.simulator.accounts()
        ]
        (folder / "accounts.json").write_text(json.dumps(accounts))
        settings = folder / "settings.yaml"
        settings.write_text(SETTINGS.format(
            folder=folder, key=self.key, other_key=self.other_key, base=self.simulator.base, files=self.files.host))
        self._gateway = Program("serve", "--settings", str(settings))
        self.origin = self._gateway.wait_for(lambda lines: next(filter(None, map(ready_address, lines)), None))
        self._start = 0

    def stop(self):
        self._gateway.stop()
        self.files.stop()
        self.simulator.stop()

    def mark(self):
        self._start = len(self.simulator.journal())

    def entries(self, operation: str | None = None) -> list[dict]:
        entries = self.simulator.journal()[self._start:]
        return [entry for entry in entries if operation in (None, entry["operation"])]

    def calls(self) -> Counter:
        """How often each method was asked since the mark, sign-in aside: tokens live longer than a test."""
        return Counter(entry["operation"] for entry in self.entries() if entry["operation"] != "getoxsrf")

    def questions(self) -> list[dict]:
        return [entry["body"]["streamAssistRequest"] for entry in self.entries("widgetStreamAssist")]

    def fetch(self, url: str) -> tuple[str, bytes]:
        """(type, bytes) of a link that an answer holds, fetched without a key."""
        assert url.startswith(self.origin + "/"), url
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.headers["content-type"], answer.read()

    def provide(self, name: str, content: bytes) -> str:
        """The URL of a file on the other site."""
        (self.files_folder / name).write_bytes(content)
        return f"http://{self.files.host}/{name}"


def listed(text: str) -> list[tuple[str, str]]:
    """(type, digest) of each file that the upstream got with the question, by its own account."""
    return re.findall(r"([\w.+-]+/[\w.+-]+)\D+\d+\D*?([0-9a-f]{64})", text)


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8d"
    "b00000000049454e44ae426082")
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
MP3 = b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x00" + bytes(413)
MP4 = bytes.fromhex("0000001866747970") + b"isom" + bytes.fromhex("00000200") + b"isommp41" + bytes(32)
