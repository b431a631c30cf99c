"""A gateway in front of a simulated upstream, both as processes of their own, for runs that last."""

import json
import secrets
import subprocess
import tempfile
import urllib.request
from pathlib import Path

from services import HERE, Service, free_port, wait_until_answering

ACCOUNTS = 20


class Trial:
    """Owns the two processes and their folder; stops both at the end."""

    def __init__(self, pollux: Path, template: str, **values):
        self.pollux = pollux.resolve()
        self.template = template
        self.values = values
        self.key = "trial-" + secrets.token_hex(24)
        self.admin_key = "admin-" + secrets.token_hex(24)
        self.api_keys = [f"sk-trial-{number:02}-{secrets.token_hex(8)}" for number in range(1, ACCOUNTS + 1)]
        self.running: list[Service] = []

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="pollux-trial-")
        self.folder = Path(self.scratch.name)
        try:
            self.upstream = self._start_upstream()
            self.gateway = self._start_gateway()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for service in reversed(self.running):
            service.stop()
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
        return self._launch("upstream", [str(self.pollux), "simulate", "openai", *options], port, "/__sim/counts")

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
        return self._launch("gateway", [str(self.pollux), "serve", "--settings", str(settings)], port, "/healthz")

    def _launch(self, name: str, command: list[str], port: int, probe: str) -> Service:
        with open(self.folder / f"{name}.out", "w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder)
        service = Service(name, process, port)
        self.running.append(service)
        wait_until_answering(service, probe, self.folder / f"{name}.out")
        return service
