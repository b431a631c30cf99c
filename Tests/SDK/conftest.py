"""What the tests of the OpenAI SDK share: clients for the gateway. The rest stands in fixtures.py."""

from dataclasses import dataclass

import openai
import pytest

from fixtures import *  # noqa: F403 (pytest finds fixtures by their names here)


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


@pytest.fixture
def endpoint(address) -> Endpoint:
    return Endpoint(address.origin + "/v1", address.key)


@pytest.fixture
def throwaway_endpoint(throwaway_address) -> Endpoint:
    return Endpoint(throwaway_address.origin + "/v1", throwaway_address.key)


@pytest.fixture
def limited_endpoint(throwaway_address) -> Endpoint:
    """With a key that has two requests an hour."""
    return Endpoint(throwaway_address.origin + "/v1", throwaway_address.limited_key)


@pytest.fixture
def client(endpoint):
    with endpoint.client() as client:
        yield client
