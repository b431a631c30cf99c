"""What the tests share: a gateway, its upstreams, and SDK clients for it.

The gateway comes from the environment (POLLUX_BASE_URL, POLLUX_KEY, POLLUX_MODEL_OPENAI, POLLUX_MODEL_BUSINESS, and
SIM_OPENAI, SIM_BUSINESS for the simulators behind it) or, without these, is started here from POLLUX_BIN.
"""

import os
import uuid
from dataclasses import dataclass

import openai
import pytest

from programs import Gateway, Simulators, Upstream

VARIABLES = [
    "POLLUX_BASE_URL",
    "POLLUX_KEY",
    "POLLUX_MODEL_OPENAI",
    "POLLUX_MODEL_BUSINESS",
    "SIM_OPENAI",
    "SIM_BUSINESS",
]


@dataclass
class Endpoint:
    """A gateway as its clients know it. No retries: a test sees the first answer, whatever it is."""

    base_url: str
    key: str

    def client(self, **options) -> openai.OpenAI:
        return openai.OpenAI(**self._options(options))

    def async_client(self, **options) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(**self._options(options))

    def _options(self, options: dict) -> dict:
        return {"base_url": self.base_url, "api_key": self.key, "max_retries": 0, "timeout": 30} | options


def is_given_from_outside() -> bool:
    given = [name for name in VARIABLES if os.environ.get(name)]
    if given and len(given) < len(VARIABLES):
        missing = ", ".join(sorted(set(VARIABLES) - set(given)))
        raise pytest.UsageError(f"set all of these or none; missing: {missing}")
    return bool(given)


@pytest.fixture(scope="session")
def simulators():
    """Addresses of the two simulated upstreams: (openai, business)."""
    if is_given_from_outside():
        yield os.environ["SIM_OPENAI"], os.environ["SIM_BUSINESS"]
        return
    program = Simulators()
    yield program.openai, program.business
    program.stop()


@pytest.fixture(scope="session")
def endpoint(simulators, tmp_path_factory):
    if is_given_from_outside():
        yield Endpoint(os.environ["POLLUX_BASE_URL"], os.environ["POLLUX_KEY"])
        return
    program = Gateway(tmp_path_factory.mktemp("gateway"), *simulators)
    yield Endpoint(program.base_url, program.key)
    program.stop()


@pytest.fixture
def throwaway_endpoint(simulators, tmp_path):
    """A gateway for one test: its accounts may be left cooling down."""
    if is_given_from_outside():
        pytest.skip("leaves accounts resting, so it runs only against a gateway that the tests start")
    program = Gateway(tmp_path, *simulators)
    yield Endpoint(program.base_url, program.key)
    program.stop()


@pytest.fixture
def client(endpoint):
    with endpoint.client() as client:
        yield client


@pytest.fixture
def openai_upstream(simulators) -> Upstream:
    return Upstream("openai", os.environ.get("POLLUX_MODEL_OPENAI", "openai/sim-large"), simulators[0])


@pytest.fixture
def business_upstream(simulators) -> Upstream:
    model = os.environ.get("POLLUX_MODEL_BUSINESS", "business/gemini-2.5-flash")
    return Upstream("business", model, simulators[1])


@pytest.fixture(params=["openai", "business"])
def upstream(request) -> Upstream:
    """Each provider in turn."""
    return request.getfixturevalue(f"{request.param}_upstream")


@pytest.fixture
def word() -> str:
    """A word that no other test uses: it finds this test's requests in a journal, and its echo in an answer."""
    return "w" + uuid.uuid4().hex[:12]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
