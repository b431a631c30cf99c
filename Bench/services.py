"""Starts and stops what a benchmark needs: upstreams, nginx as the yardstick, Pollux. Loopback only, by pid only."""

import json
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
COMPLETIONS = "/v1/chat/completions"

# What the canned upstream says; the last words are what the load generator looks for in every answer.
ANSWER_PARTS = [
    "A canned answer stands in for a model here, so that every gateway in front of it does the same work for each "
    "request and the only thing that differs is the gateway. ",
    "It is prose of the length that a short question gets: a few sentences, no code, no special characters, nothing "
    "that would compress or escape in an unusual way. The same text is sent whole or in three pieces. ",
    "Whoever reads it can tell that all of it arrived, because it closes with words found nowhere else: this is the "
    "end of the canned answer.",
]
ANSWER_ENDING = "end of the canned answer."
STREAM_ENDING = "[DONE]"

# The streaming upstreams: content chunks per stream and how they are spaced.
CHUNKS = 50
STREAMING = {
    "drip": ["--chunks", str(CHUNKS), "--interval-us", "2000"],
    "token": ["--chunks", str(CHUNKS), "--interval-us", "20000"],
    "burst": ["--chunks", str(CHUNKS), "--interval-us", "0"],
    "hold": ["--hold"],
    "flood": ["--chunks", "100000", "--interval-us", "0"],
}


# The simulated upstreams of the row "upstreams": they say the user's words again, in so many pieces or more.
SIMULATED = ["sim-openai", "sim-business", "sim-web"]
SIMULATED_MODELS = {"sim-openai": "sim-large", "sim-business": "gemini-2.5-pro", "sim-web": "gemini-flash"}
ECHO_EVENTS = 20
# Three invented accounts, like those of the simulated Gemini Web.
BUSINESS_ACCOUNTS = [
    f"49800000{n}:0cd0aa00-0000-4000-8000-00000000c00{n}:CSE.Ad-bench-{n}:COS.Af-bench-{n}" for n in (1, 2, 3)
]

# Limits of each kind that nobody meets.
GENEROUS = "requests: 10000000/1m, tokens: 1000000000/1m, concurrency: 10000"


def free_port() -> int:
    """A port that was free a moment ago; nothing else on a benchmark machine should race for it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def chat_answer() -> str:
    usage = {"prompt_tokens": 120, "completion_tokens": 110, "total_tokens": 230}
    message = {"role": "assistant", "content": "".join(ANSWER_PARTS)}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    head = {"id": "chatcmpl-bench", "object": "chat.completion", "created": 1760000000, "model": "bench-model"}
    return json.dumps({**head, "choices": [choice], "usage": usage})


def stream_answer() -> str:
    """The same answer as an SSE transcript, with the escapes of an nginx string for its line ends."""
    head = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1760000000, "model": "bench-model"}

    def chunk(delta, finish=None):
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    events = [chunk({"role": "assistant", "content": ""})]
    events += [chunk({"content": part}) for part in ANSWER_PARTS]
    events += [chunk({}, "stop")]
    events += [{**head, "choices": [], "usage": {"prompt_tokens": 120, "completion_tokens": 110, "total_tokens": 230}}]
    return "".join(f"data: {json.dumps(event)}\\n\\n" for event in events) + "data: [DONE]\\n\\n"


@dataclass
class Service:
    """One running server and how a request reaches an upstream through it."""

    name: str
    process: subprocess.Popen
    port: int
    headers: list[str] = field(default_factory=list)
    serves_models: bool = False  # Pollux chooses the upstream by the model's name, nginx by the path

    def path(self, upstream: str) -> str:
        return COMPLETIONS if self.serves_models else f"/{upstream}{COMPLETIONS}"

    def model(self, upstream: str) -> str:
        name = SIMULATED_MODELS.get(upstream, "bench-model")
        return f"{upstream}/{name}" if self.serves_models else name

    def pids(self) -> list[int]:
        """The process and its children (nginx's workers)."""
        own = self.process.pid
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with code {self.process.returncode}")
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return [own, *map(int, children)]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Services:
    """Servers that run in a folder, and are stopped at the end, also when one of them does not start."""

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.running: list[Service] = []

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for service in reversed(self.running):
            service.stop()

    def start(self):
        raise NotImplementedError

    def launch(self, name: str, command: list[str], port: int, probe: str) -> Service:
        with open(self.folder / f"{name}.out", "w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=self.folder)
        service = Service(name, process, port)
        self.running.append(service)
        wait_until_answering(service, probe, self.folder / f"{name}.out")
        return service


class Workshop(Services):
    """The folder, ports and key of one benchmark, and the services that run in it."""

    def __init__(self, folder: Path, pollux: Path | None):
        super().__init__(folder)
        self.pollux = pollux
        self.key = "bench-" + secrets.token_hex(24)
        self.ports = {name: free_port() for name in ["plain", "tls", *STREAMING, *SIMULATED]}
        self.folder.mkdir(parents=True, exist_ok=True)

    def start(self):
        self._make_certificate()
        self._start_upstreams()

    def nginx_command(self, name: str, port: int, workers: int) -> list[str]:
        config = self._fill("nginx-proxy.conf", f"{name}.conf", NAME=name, PORT=port, WORKERS=workers)
        return ["nginx", "-p", str(self.folder), "-c", str(config), "-e", str(self.folder / f"{name}.log")]

    def pollux_command(self, name: str, port: int, loops: int, template: str = "pollux.yaml", **values) -> list[str]:
        settings = self._fill(template, f"{name}.yaml", NAME=name, PORT=port, LOOPS=loops, KEY=self.key, **values)
        settings.chmod(0o600)
        return [str(self.pollux), "serve", "--settings", str(settings)]

    def start_nginx(self, name: str, workers: int) -> Service:
        port = free_port()
        return self.launch(name, self.nginx_command(name, port, workers), port, "/plain" + COMPLETIONS)

    def start_pollux(self, name: str, loops: int) -> Service:
        return self._start_pollux(name, loops, "pollux.yaml")

    def _start_pollux(self, name: str, loops: int, template: str, **values) -> Service:
        port = free_port()
        command = self.pollux_command(name, port, loops, template, **values)
        service = self.launch(name, command, port, "/healthz")
        service.headers = [self.authorization]
        service.serves_models = True
        return service

    @property
    def authorization(self) -> str:
        return f"Authorization: Bearer {self.key}"

    def start_simulators(self):
        """All three kinds of upstream, played by the program itself; they send as fast as they are read."""
        for name, kind in zip(SIMULATED, ["openai", "gemini-business", "gemini-web"]):
            port = self.ports[name]
            options = ["--listen", f"127.0.0.1:{port}", "--chunk-delay", "0"]
            if name == "sim-business":
                options += [word for account in BUSINESS_ACCOUNTS for word in ("--account", account)]
            self.launch(name, [str(self.pollux), "simulate", kind, *options], port, "/__sim/journal")
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['sim-business']}/__sim/accounts") as answer:
            self._write_accounts("sim-business", json.load(answer))
        names = ["amber", "birch", "cedar"]
        self._write_accounts("sim-web", [
            {"id": name, "secure_1psid": f"g.a000sim-{name}", "secure_1psidts": f"sidts-sim-{name}-0"} for name in names
        ])

    def start_pollux_on_simulators(self) -> Service:
        return self._start_pollux("upstreams-1", 1, "upstreams.yaml")

    def start_pollux_bare(self) -> Service:
        """One account, nobody limited, nothing written down."""
        return self._start_everything("bare", keys=1, records="false")

    def start_pollux_with_everything(self) -> Service:
        """Twenty accounts, a key with limits of each kind, and every request written down."""
        return self._start_everything("everything", keys=20, records="true", KEY_LIMITS=f"limits: {{{GENEROUS}}}")

    def start_pollux_with_all_layers(self) -> Service:
        """The same with limits in all layers that there are, more than anybody would write."""
        limits = {
            "KEY_LIMITS": f"limits: {{{GENEROUS}, per_model: {{{GENEROUS}}}}}",
            "LIMITS": f"limits: {{global: {{{GENEROUS}}}, per_model: {{{GENEROUS}}}}}",
            "ACCOUNT_LIMITS": "limits: {account: {requests: 10000000/1m, daily: 1000000000}}",
        }
        return self._start_everything("layers", keys=20, records="true", **limits)

    def _start_everything(self, name: str, keys: int, records: str, **limits) -> Service:
        accounts = json.dumps([f"sk-bench-{number:02}-0123456789" for number in range(keys)])
        limits = {"KEY_LIMITS": "", "LIMITS": "", "ACCOUNT_LIMITS": ""} | limits
        return self._start_pollux(f"{name}-1", 1, "everything.yaml", API_KEYS=accounts, RECORDS=records, **limits)

    def _write_accounts(self, name: str, accounts):
        path = self.folder / f"{name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(accounts))

    def stop(self, service: Service):
        service.stop()
        self.running.remove(service)

    def _start_upstreams(self):
        config = self._fill(
            "nginx-upstream.conf", "nginx-upstream.conf", JSON_ANSWER=chat_answer(), STREAM_ANSWER=stream_answer()
        )
        log = str(self.folder / "nginx-upstream.log")
        command = ["nginx", "-p", str(self.folder), "-c", str(config), "-e", log]
        self.launch("nginx-upstream", command, self.ports["plain"], "/json" + COMPLETIONS)
        for name, options in STREAMING.items():
            command = [str(self.folder / "sse_upstream"), "--port", str(self.ports[name]), *options]
            self.launch(f"upstream-{name}", command, self.ports[name], "/")

    def _make_certificate(self):
        key, certificate = self.folder / "key.pem", self.folder / "certificate.pem"
        if certificate.exists():
            return
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
        subprocess.run(
            ["openssl", "req", "-x509", *options, "-subj", "/CN=localhost", "-addext", names]
            + ["-keyout", str(key), "-out", str(certificate)],
            check=True,
            capture_output=True,
        )

    def _fill(self, template: str, name: str, **values) -> Path:
        """Writes the template with every @WORD@ replaced."""
        text = (HERE / template).read_text()
        values |= {f"{upstream.upper().replace('-', '_')}_PORT": port for upstream, port in self.ports.items()}
        values["FOLDER"] = self.folder
        for word, value in values.items():
            text = text.replace(f"@{word}@", str(value))
        path = self.folder / name
        path.write_text(text)
        return path


def wait_until_answering(service: Service, path: str, output: Path):
    """Returns once any HTTP answer below 500 comes; raises with the service's own words when it ends before."""
    url = f"http://127.0.0.1:{service.port}{path}"
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if service.process.poll() is not None:
            raise RuntimeError(f"{service.name} ended at once, saying: {output.read_text()[-2000:] or '(nothing)'}")
        try:
            urllib.request.urlopen(url, timeout=1).close()
            return
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return
        except OSError:
            pass
        time.sleep(0.01)
    raise RuntimeError(f"{service.name} did not answer {url} within 15 s; see {output}")


def raise_file_limit() -> int:
    """Raises the limit on open files as far as allowed; child processes inherit it."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard if hard != resource.RLIM_INFINITY else 1 << 20


def busy_share(seconds: float = 1) -> float:
    """How much of all cores is in use, 0...1; asked while the benchmark rests, it tells what else runs."""

    def ticks() -> tuple[int, int]:
        values = list(map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]))
        return sum(values) - values[3] - values[4], sum(values)

    busy, total = ticks()
    time.sleep(seconds)
    busy_later, total_later = ticks()
    return round((busy_later - busy) / max(1, total_later - total), 3)


def machine() -> dict:
    """What a reader must know of the machine, in general words."""
    system = dict(
        line.rstrip().split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True).stderr.strip()
    return {
        "cores": os.cpu_count(),
        "architecture": os.uname().machine,
        "system": system.get("PRETTY_NAME", "Linux").strip('"'),
        "kernel": ".".join(os.uname().release.split(".")[:2]),
        "nginx": nginx.rpartition("/")[2],
    }
