"""The third-party client of the Gemini web app, unmodified, with its addresses turned to the simulator.

Only module globals are replaced: the addresses, and `asyncio` where the client waits for seconds on end.
"""

import asyncio
import json
import os
import sys
import tempfile
import urllib.request
import uuid
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

os.environ["GEMINI_COOKIE_PATH"] = tempfile.mkdtemp(prefix="webapi-cookies-")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pytest
from curl_cffi.requests import Cookies
from gemini_webapi import GeminiClient
from gemini_webapi.constants import Endpoint
from gemini_webapi.utils import logger

from programs import Program, simulator_address

# What the client logs when it meets something it cannot read and goes on anyway.
TROUBLE = ["Failed to parse", "Failed to extract", "still incomplete", "Unexpected", "Could not", "falling back"]


class HastyAsyncio:
    """`asyncio`, but nobody sleeps."""

    def __getattr__(self, name):
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(_seconds):
        await asyncio.sleep(0)


class Simulator:
    def __init__(self, address: str):
        self.address = address

    def control(self, path: str, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/__sim/{path}", data)
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)

    def account(self, name: str, **settings):
        return self.control(f"accounts/{name}", settings)

    def requests(self, name: str | None) -> list[dict]:
        """What this account's client has sent; None: what guests have."""
        found = self.control("requests?since=0")["requests"]
        return [entry for entry in found if entry["account"] == name]

    def turns(self, name: str | None) -> list[dict]:
        return [entry for entry in self.requests(name) if entry["path"].endswith("/StreamGenerate")]

    def rpcs(self, name: str | None) -> list[str]:
        return [rpc for entry in self.requests(name) for rpc in entry.get("rpcids", [])]


@pytest.fixture(scope="session")
def simulator():
    if address := os.environ.get("SIM_WEB"):
        yield Simulator(address)
        return
    program = Program("simulate", "gemini-web", "--listen", "127.0.0.1:0")
    _, address = program.wait_for(lambda lines: next(filter(None, map(simulator_address, lines)), None))
    yield Simulator(address)
    program.stop()


@pytest.fixture(autouse=True)
def redirected(simulator, monkeypatch):
    # PREFLIGHT is the origin itself; the rest keeps its path.
    paths = {member.name: "/" + "/".join(member.value.split("/")[3:]) for member in Endpoint}
    endpoints = SimpleNamespace(**{name: simulator.address + path for name, path in paths.items()})
    for module in ["client", "utils.get_access_token", "utils.rotate_1psidts", "utils.upload_file"]:
        monkeypatch.setattr(module_of_client(module), "Endpoint", endpoints)
    for module in ["client", "types.video", "utils.decorators"]:
        monkeypatch.setattr(module_of_client(module), "asyncio", HastyAsyncio())


def module_of_client(name: str):
    """By name: the package puts functions in the place of some of its modules."""
    return sys.modules[f"gemini_webapi.{name}"]


@pytest.fixture
def trouble():
    """Messages by which the client tells that it could not read something. Tests that provoke none get none."""
    messages = []
    sink = logger.add(
        lambda message: messages.extend([str(message)] if any(mark in message for mark in TROUBLE) else []),
        level="DEBUG",
    )
    yield messages
    logger.remove(sink)


@pytest.fixture
def name() -> str:
    """An account that no other test uses."""
    return "w" + uuid.uuid4().hex[:12]


def cookies(simulator: Simulator, identity: str, freshness: str) -> Cookies:
    host = simulator.address.removeprefix("http://").split(":")[0]
    jar = Cookies()
    jar.set("__Secure-1PSID", identity, domain=host, secure=True)
    jar.set("__Secure-1PSIDTS", freshness, domain=host, secure=True)
    return jar


@pytest.fixture
def connect(simulator, name):
    """Opens a client with an account's cookies, initialised, closed behind the block."""

    @asynccontextmanager
    async def connect(account: str = name, freshness: str | None = None):
        client = GeminiClient()
        client.cookies = cookies(simulator, f"g.a000sim-{account}", freshness or f"sidts-sim-{account}-0")
        await client.init(timeout=20, watchdog_timeout=5, auto_refresh=False)
        try:
            yield client
        finally:
            await client.close()

    return connect


@pytest.fixture
def strict(simulator, name, trouble):
    """Checks behind the test that each question was sent once, that no chat was read back to mend a stream, and that
    the client could read everything. The test says how many questions it asked."""
    expected = SimpleNamespace(turns=0)
    yield expected
    assert len(simulator.turns(name)) == expected.turns
    assert "hNvQHb" not in simulator.rpcs(name)
    assert trouble == []


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
