"""A gateway in front of a simulated upstream, both as processes of their own, for runs that last."""

import json
import secrets
import tempfile
import urllib.request
from pathlib import Path

from services import HERE, Service, Services, free_port

ACCOUNTS = 20


class Trial(Services):
    """The two processes and their folder, which goes with them."""

    def __init__(self, pollux: Path, template: str, **values):
        self.scratch = tempfile.TemporaryDirectory(prefix="pollux-trial-")
        super().__init__(Path(self.scratch.name))
        self.pollux = pollux.resolve()
        self.template = template
        self.values = values
        self.key = "trial-" + secrets.token_hex(24)
        self.admin_key = "admin-" + secrets.token_hex(24)
        self.api_keys = [f"sk-trial-{number:02}-{secrets.token_hex(8)}" for number in range(1, ACCOUNTS + 1)]

    def start(self):
        self.upstream = self._start_upstream()
        self.gateway = self._start_gateway()

    def __exit__(self, *_):
        super().__exit__()
        self.scratch.cleanup()

    # What the upstream is told and tells

    def order(self, *faults: dict):
        self._call(self.upstream.port, "/__sim/fault", body=list(faults))

    def reset_upstream(self):
        self._call(self.upstream.port, "/__sim/reset", body={})

    def upstream_calls(self) -> int:
        counts = self._call(self.upstream.port, "/__sim/counts")
        return sum(count["requests"] for count in counts if count["operation"] == "chat.completions")

    # What the gateway tells its operator

    def admin(self, path: str, body=None, method: str | None = None):
        headers = {"Authorization": f"Bearer {self.admin_key}"}
        return self._call(self.gateway.port, "/admin/api/v1" + path, headers, body, method)

    def accounts(self) -> list[dict]:
        return self.admin("/accounts?limit=200")["items"]

    def metric(self, name: str, labels: str = "") -> float:
        """A series by the text of its labels, 0 when it was never counted in; an error when there is no such metric."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.gateway.port}/metrics")
        with urllib.request.urlopen(request, timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        if not any(line.startswith(f"# TYPE {name} ") for line in lines):
            raise KeyError(f"the gateway has no metric {name}")
        series = f"{name}{{{labels}}} " if labels else f"{name} "
        return next((float(line.removeprefix(series)) for line in lines if line.startswith(series)), 0.0)

    @staticmethod
    def _call(port: int, path: str, headers: dict | None = None, body=None, method: str | None = None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **(headers or {})}
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    # Processes

    def _start_upstream(self) -> Service:
        port = free_port()
        keys = [word for key in self.api_keys for word in ("--api-key", key)]
        options = ["--listen", f"127.0.0.1:{port}", "--chunk-delay", "2", *keys]
        return self.launch("upstream", [str(self.pollux), "simulate", "openai", *options], port, "/__sim/counts")

    def _start_gateway(self) -> Service:
        port = free_port()
        text = (HERE / self.template).read_text()
        values = {
            "PORT": port, "UPSTREAM_PORT": self.upstream.port, "FOLDER": self.folder, "NAME": "gateway",
            "KEY": self.key, "ADMIN_KEY": self.admin_key, "API_KEYS": json.dumps(self.api_keys), **self.values,
        }
        for word, value in values.items():
            text = text.replace(f"@{word}@", str(value))
        settings = self.folder / "settings.yaml"
        settings.touch(mode=0o600)
        settings.write_text(text)
        return self.launch("gateway", [str(self.pollux), "serve", "--settings", str(settings)], port, "/healthz")
