"""Fixtures that the tests of every SDK share: simulated upstreams, a gateway, and the words that find a request again.

The gateway comes from the environment (the VARIABLES below: its address and key, the models that it offers, and the
simulators behind it) or, without these, is started here from POLLUX_BIN. POLLUX_MODEL_WEB_TEMPORARY is a model of the
web app whose provider has `history: temporary`.
"""

import os
import uuid
from dataclasses import dataclass

import pytest

from business import BusinessWorld
from programs import BusinessUpstream, Gateway, Simulators, Upstream, WebUpstream

VARIABLES = [
    "POLLUX_BASE_URL",
    "POLLUX_KEY",
    "POLLUX_MODEL_OPENAI",
    "POLLUX_MODEL_BUSINESS",
    "POLLUX_MODEL_WEB",
    "POLLUX_MODEL_WEB_TEMPORARY",
    "SIM_OPENAI",
    "SIM_BUSINESS",
    "SIM_WEB",
]


@dataclass
class Address:
    """Where a gateway is found; each SDK adds the path of its own format."""

    origin: str
    key: str
    # A key with two requests an hour; empty if the gateway was not started here.
    limited_key: str = ""


def is_given_from_outside() -> bool:
    given = [name for name in VARIABLES if os.environ.get(name)]
    if given == ["SIM_WEB"]:
        return False  # meant for the tests in gemini-webapi
    if given and len(given) < len(VARIABLES):
        missing = ", ".join(sorted(set(VARIABLES) - set(given)))
        raise pytest.UsageError(f"set all of these or none; missing: {missing}")
    return bool(given)


@pytest.fixture(scope="session")
def simulators():
    """Addresses of the simulated upstreams: (openai, business, web)."""
    if is_given_from_outside():
        yield os.environ["SIM_OPENAI"], os.environ["SIM_BUSINESS"], os.environ["SIM_WEB"]
        return
    program = Simulators()
    yield program.openai, program.business, program.web
    program.stop()


@pytest.fixture(scope="session")
def address(simulators, tmp_path_factory):
    if is_given_from_outside():
        yield Address(os.environ["POLLUX_BASE_URL"].removesuffix("/v1"), os.environ["POLLUX_KEY"])
        return
    program = Gateway(tmp_path_factory.mktemp("gateway"), *simulators)
    yield Address(program.origin, program.key, program.limited_key)
    program.stop()


@pytest.fixture
def throwaway_address(simulators, tmp_path):
    """A gateway for one test: its accounts may be left cooling down. Each provider has one."""
    if is_given_from_outside():
        pytest.skip("leaves accounts resting, so it runs only against a gateway that the tests start")
    program = Gateway(tmp_path, *simulators, web_accounts=1)
    yield Address(program.origin, program.key, program.limited_key)
    program.stop()


@pytest.fixture
def openai_upstream(simulators) -> Upstream:
    return Upstream("openai", os.environ.get("POLLUX_MODEL_OPENAI", "openai/sim-large"), simulators[0])


@pytest.fixture
def business_upstream(simulators) -> Upstream:
    model = os.environ.get("POLLUX_MODEL_BUSINESS", "business/gemini-2.5-flash")
    return BusinessUpstream("business", model, simulators[1])


@pytest.fixture
def web_upstream(simulators) -> WebUpstream:
    return WebUpstream("web", os.environ.get("POLLUX_MODEL_WEB", "web/gemini-flash"), simulators[2])


@pytest.fixture(params=["openai", "business", "web"])
def upstream(request) -> Upstream:
    """Each provider in turn."""
    return request.getfixturevalue(f"{request.param}_upstream")


@pytest.fixture(params=["openai", "business", "web"])
def tool_upstream(request) -> Upstream:
    """Each provider in turn that has functions, and thoughts that a prompt can ask for."""
    return request.getfixturevalue(f"{request.param}_upstream")


@pytest.fixture(scope="module")
def shared_world(tmp_path_factory):
    if is_given_from_outside():
        pytest.skip("counts the calls of a simulator of its own")
    world = BusinessWorld(tmp_path_factory.mktemp("business"))
    yield world
    world.stop()


@pytest.fixture
def world(shared_world) -> BusinessWorld:
    """Three accounts of Gemini Business, and what its simulator is asked from now on."""
    shared_world.mark()
    return shared_world


@pytest.fixture
def own_world(tmp_path) -> BusinessWorld:
    """The same for a test that leaves accounts in trouble."""
    if is_given_from_outside():
        pytest.skip("leaves accounts in trouble, so it runs only against a gateway that the tests start")
    world = BusinessWorld(tmp_path)
    yield world
    world.stop()


@pytest.fixture
def word() -> str:
    """A word that no other test uses: it finds this test's requests in a journal, and its echo in an answer."""
    return "w" + uuid.uuid4().hex[:12]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
