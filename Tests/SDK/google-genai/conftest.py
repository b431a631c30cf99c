"""What the tests of the google-genai SDK share: clients for the gateway. The rest stands in ../fixtures.py."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pytest
from google import genai
from google.genai import errors

from fixtures import *  # noqa: F403 (pytest finds fixtures by their names here)

MAJOR = int(genai.__version__.split(".")[0])


def is_what_a_cut_raises(error: Exception) -> bool:
    """Whether this is how a stream that broke off must end; versions before 2 notice only the cut connection."""
    if MAJOR < 2:
        return type(error).__module__.split(".")[0] == "httpx"
    return isinstance(error, errors.ServerError) and (error.code, error.status) == (502, "UNAVAILABLE")


@dataclass
class Endpoint:
    """A gateway as its clients know it: one base address, to which the SDK adds version and path."""

    base_url: str
    key: str

    def client(self, **options) -> genai.Client:
        http = {"base_url": self.base_url} | options.pop("http", {})
        return genai.Client(**({"api_key": self.key, "http_options": http} | options))


@pytest.fixture
def endpoint(address) -> Endpoint:
    return Endpoint(address.origin, address.key)


@pytest.fixture(params=["v1beta", "v1", "v1alpha"])
def prefixed_client(request, address) -> genai.Client:
    """The base address with the prefix that leaves no doubt about the format, and each version that the SDK offers."""
    endpoint = Endpoint(address.origin + "/gemini", address.key)
    return endpoint.client(http={"api_version": request.param})


@pytest.fixture
def throwaway_endpoint(throwaway_address) -> Endpoint:
    return Endpoint(throwaway_address.origin, throwaway_address.key)


@pytest.fixture
def limited_endpoint(throwaway_address) -> Endpoint:
    """With a key that has two requests an hour."""
    return Endpoint(throwaway_address.origin, throwaway_address.limited_key)


@pytest.fixture
def client(endpoint) -> genai.Client:
    return endpoint.client()
