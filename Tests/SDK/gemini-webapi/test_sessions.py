"""Cookies: start, rotation, guests, refusals."""

import pytest
from curl_cffi.requests.exceptions import HTTPError
from gemini_webapi.exceptions import AuthError, GeminiError, TemporarilyBlockedError
from gemini_webapi.utils import rotate_1psidts

pytestmark = pytest.mark.anyio


async def test_cookies_rotate_once_a_minute(simulator, connect, name, strict):
    async with connect() as client:
        assert await rotate_1psidts(client._live_client) == f"sidts-sim-{name}-1"
        assert (await client.generate_content("hello")).text == "turn 1: hello"
        with pytest.raises(HTTPError, match="429"):
            await rotate_1psidts(client._live_client)
    async with connect(freshness=f"sidts-sim-{name}-0") as client:
        assert client.account_status.name == "AVAILABLE", "the previous value is still good"
    strict.turns = 1


async def test_a_rotation_can_leave_the_value_or_be_refused(simulator, connect, name, strict):
    simulator.account(name, rotate="no-ts")
    async with connect() as client:
        assert await rotate_1psidts(client._live_client) == f"sidts-sim-{name}-0"
        simulator.account(name, rotate="401")
        with pytest.raises(AuthError):
            await rotate_1psidts(client._live_client)


async def test_expired_cookies_make_a_guest(simulator, connect, name, tmp_path):
    simulator.account(name, expired=True)
    before = len(simulator.turns(None))
    async with connect() as client:
        assert client.account_status.name == "UNAUTHENTICATED" and client.access_token is None
        assert [model.is_available for model in client.list_models()] == [True, False, False]
        assert (await client.generate_content("hello")).text == "turn 1: hello"
        with pytest.raises(GeminiError):
            await client.generate_content("hello", files=[b"x"])
    assert len(simulator.turns(None)) == before + 1


async def test_without_a_token_in_any_page_there_is_no_start(simulator, connect, name):
    simulator.account(name, init="consent")
    async with connect() as client:
        assert client.account_status.name == "UNAUTHENTICATED", "the client went on as a guest"


async def test_a_blocked_address(simulator, connect, name):
    simulator.account(name, init="429")
    with pytest.raises(TemporarilyBlockedError):
        async with connect():
            pass


async def test_an_overloaded_page(simulator, connect, name):
    simulator.account(name, init="503")
    with pytest.raises(HTTPError, match="503"):
        async with connect():
            pass


async def test_settings_of_the_account_are_read(simulator, connect, name, strict):
    simulator.account(name, tier_flags=[8], capability_flags=[115], models=[["e6fa609c3fa255c0", "Pro", "3.1 Pro", 3]])
    async with connect() as client:
        [model] = client.list_models()
        assert (model.model_id, model.capacity, model.model_number) == ("e6fa609c3fa255c0", 4, 3)
        await client.generate_content("hello", model="gemini-pro")
    assert simulator.turns(name)[0]["selector"][11] == 4
    strict.turns = 1


@pytest.mark.parametrize(("status", "meaning"), [(1014, "ACCESS_TEMPORARILY_UNAVAILABLE"), (1060, "LOCATION_REJECTED")])
async def test_hard_blocks(simulator, connect, name, status, meaning):
    simulator.account(name, status=status)
    async with connect() as client:
        assert client.account_status.name == meaning and not client.list_models()
