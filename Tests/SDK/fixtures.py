"""Fixtures that the tests of every SDK share: simulated upstreams, a gateway, and the words that find a request again.

The gateway comes from the environment (POLLUX_BASE_URL, POLLUX_KEY, POLLUX_MODEL_OPENAI, POLLUX_MODEL_BUSINESS, and
SIM_OPENAI, SIM_BUSINESS for the simulators behind it) or, without these, is started here from POLLUX_BIN.
"""

import os
import uuid
from dataclasses import dataclass

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
class Address:
    """Where a gateway is found; each SDK adds the path of its own format."""

    origin: str
    key: str


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
def address(simulators, tmp_path_factory):
    if is_given_from_outside():
        yield Address(os.environ["POLLUX_BASE_URL"].removesuffix("/v1"), os.environ["POLLUX_KEY"])
        return
    program = Gateway(tmp_path_factory.mktemp("gateway"), *simulators)
    yield Address(program.origin, program.key)
    program.stop()


@pytest.fixture
def throwaway_address(simulators, tmp_path):
    """A gateway for one test: its accounts may be left cooling down."""
    if is_given_from_outside():
        pytest.skip("leaves accounts resting, so it runs only against a gateway that the tests start")
    program = Gateway(tmp_path, *simulators)
    yield Address(program.origin, program.key)
    program.stop()


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
