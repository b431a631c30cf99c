"""Turns: whole, streamed, continued, refused."""

import pytest
from gemini_webapi.exceptions import APIError, GeminiError, ModelInvalidError, TemporarilyBlockedError
from gemini_webapi.exceptions import UsageLimitExceededError

pytestmark = pytest.mark.anyio

WIDE = "a\U0001f600b é ☃ \U0001f680\U0001f680 end \\n  spaced “quotes” \\ backslash"


async def streamed(chunks) -> tuple[str, str, object]:
    """The joined deltas of text and thoughts, and the last output."""
    text, thoughts, last = "", "", None
    async for output in chunks:
        text += output.text_delta or ""
        thoughts += output.candidates[0].thoughts_delta or ""
        last = output
    return text, thoughts, last


async def test_the_start_reads_account_models_and_quotas(simulator, connect, name, strict):
    async with connect() as client:
        assert client.account_status.name == "AVAILABLE"
        assert [m.model_name for m in client.list_models()] == ["gemini-flash", "gemini-pro", "gemini-flash-lite"]
        assert client.usage_info["current_5h"]["usage_percentage"] == 20
        assert client.usage_info["weekly"]["usage_percentage"] == 10
        assert client.usage_info["ai_credits_remaining"] == 1000
        assert client.quotas["1-11"]["remaining"] == 80 and client.quotas["1-15"]["window"] == "current_5h"
        assert client.quotas["extra"]["default"]["is_blocked"] is False
        assert client.abuse_status["is_clean"] is True
        assert client.list_chats() == []
    started = ["otAQ7b", "ESY5D", "ESY5D", "MaZiqc", "MaZiqc", "jSf9Qc", "qpEbW", "qpEbW", "aPya6c", "GPRiHf"]
    assert simulator.rpcs(name) == started


async def test_one_question(simulator, connect, name, strict):
    async with connect() as client:
        output = await client.generate_content("How are you?")
        assert output.text == "turn 1: How are you?"
        assert output.metadata[0].startswith("c_")
    strict.turns = 1
    turn = simulator.turns(name)[0]
    assert (turn["prompt"], turn["inner_len"], turn["model"], turn["thinking"]) == ("How are you?", 81, None, 1)
    assert turn["temporary"] is None and turn["gem"] is None and not turn["directives"]


@pytest.mark.parametrize("extra", ["", "!sim split x\n", "!sim flicker x\n"])
async def test_deltas_are_the_text(connect, extra, strict):
    wished = WIDE.replace("\\n", "\n")
    async with connect() as client:
        text, thoughts, last = await streamed(
            client.generate_content_stream(f"{extra}!sim think first \U0001f914 this\n!sim say {WIDE}")
        )
        assert text == last.text == wished
        assert thoughts == last.thoughts == "first \U0001f914 this"
    strict.turns = 1


async def test_code_flickers_and_still_reads_well(connect, strict):
    said = "See:\\n```swift\\nlet a = 1\\nlet b = 2\\n```\\nand a prefix: ``"
    async with connect() as client:
        text, _, last = await streamed(client.generate_content_stream(f"!sim flicker x\n!sim say {said}"))
        assert text == last.text == said.replace("\\n", "\n")
    strict.turns = 1


async def test_a_long_answer(connect, strict):
    said = "0123456789" * 1000
    async with connect() as client:
        output = await client.generate_content(f"!sim say {said}")
        assert output.text == said
    strict.turns = 1


async def test_a_chat_goes_on_with_the_model_it_began_with(simulator, connect, name, strict):
    async with connect() as client:
        chat = client.start_chat(model="gemini-pro")
        assert (await chat.send_message("one\nmore")).text == "turn 1: more"
        assert (await chat.send_message("two", extended_thinking=True)).text == "turn 2: two"
        resumed = client.start_chat(metadata=list(chat.metadata), model="gemini-3-pro")
        assert (await resumed.send_message("!sim history x")).text == "history: one | two"
        resumed.model = "gemini-flash"
        with pytest.raises(ModelInvalidError, match="inconsistent"):
            await resumed.send_message("three")
    strict.turns = 4
    first, second = simulator.turns(name)[:2]
    assert first["model"] == "9d8ca3786ebdfbea" and (first["selector"][14], first["selector"][15]) == (3, 1)
    assert len(first["selector"]) == 17 and (second["selector"][15], second["thinking"]) == (2, 2)


async def test_a_temporary_chat_leaves_no_trace(simulator, connect, name, trouble):
    async with connect() as client:
        chat = client.start_chat()
        await chat.send_message("secret", temporary=True)
        assert (await chat.send_message("again", temporary=True)).text == "turn 2: again"
        await client._fetch_recent_chats()
        assert client.list_chats() == []
        assert await client.read_chat(chat.cid) is None
    assert [turn["temporary"] for turn in simulator.turns(name)] == [1, 1]


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        (1037, UsageLimitExceededError, "resets at"),
        (1050, ModelInvalidError, "inconsistent"),
        (1052, ModelInvalidError, "unavailable"),
        (1060, TemporarilyBlockedError, "flagged"),
        (1013, APIError, "1013"),
        (1097, APIError, "1097"),
        (4711, APIError, "4711"),
    ],
)
async def test_errors_are_understood(simulator, connect, name, code, error, message):
    async with connect() as client:
        with pytest.raises(error, match=message):
            await client.generate_content(f"!sim error {code}")
    # The client takes most codes for passing and asks again five times.
    assert len(simulator.turns(name)) == (6 if error is APIError else 1)


async def test_unknown_things_are_refused(connect):
    async with connect() as client:
        with pytest.raises(APIError, match="1097"):
            await client.start_chat(cid="c_0000000000000000").send_message("hello")
        unknown = {"model_name": "x", "model_header": {"x-goog-ext-525001261-jspb": '[1,null,null,null,"0123456789abcdef"]'}}
        with pytest.raises(ModelInvalidError):
            await client.generate_content("hello", model=unknown)


@pytest.mark.parametrize("directive", ["http 500", "drop x", "status 4"])
async def test_a_request_that_is_dropped_is_sent_again(simulator, connect, name, directive):
    async with connect() as client:
        with pytest.raises(APIError):
            await client.generate_content(f"!sim {directive}")
    assert len(simulator.turns(name)) == 6


async def test_a_changed_token_is_learnt_by_a_new_start(simulator, connect, name):
    async with connect() as client:
        assert (await client.generate_content("!sim xsrf x\nhello")).text == "turn 1: hello"
    assert [turn["status"] for turn in simulator.turns(name)] == [400, 200]


async def test_a_truncated_stream_is_read_back(simulator, connect, name):
    said = "one two three four five six seven"
    async with connect() as client:
        text, _, last = await streamed(client.generate_content_stream(f"!sim truncate x\n!sim say {said}"))
        assert text == last.text == said
    assert len(simulator.turns(name)) == 1 and "hNvQHb" in simulator.rpcs(name)


async def test_an_error_behind_an_answer_makes_this_client_ask_again(simulator, connect, name):
    async with connect() as client:
        with pytest.raises(APIError, match="1096"):
            await client.generate_content("!sim late-error")
    assert len(simulator.turns(name)) == 6


async def test_chats_are_listed_read_and_deleted(connect, name):
    async with connect() as client:
        chat = client.start_chat()
        await chat.send_message("first\nline")
        await chat.send_message("second")
        await client._fetch_recent_chats()
        assert [(entry.cid, entry.title) for entry in client.list_chats()] == [(chat.cid, "first")]
        turns = (await client.read_chat(chat.cid)).turns
        assert [(turn.role, turn.text) for turn in turns] == [
            ("model", "turn 2: second"), ("user", "second"), ("model", "turn 1: line"), ("user", "first\nline"),
        ]
        await client.delete_chat(chat.cid)
        assert await client.read_chat(chat.cid) is None


async def test_gems(simulator, connect, name, strict):
    async with connect() as client:
        gem = await client.create_gem("poet", prompt="You rhyme.", description="rhymes")
        await client.generate_content("hello", gem=gem)
        await client.update_gem(gem, "bard", prompt="You sing.")
        gems = await client.fetch_gems()
        assert [(g.name, g.prompt) for g in gems.filter(predefined=False)] == [("bard", "You sing.")]
        assert len(gems.filter(predefined=True)) == 2
        assert len((await client.fetch_gems(include_hidden=True)).filter(predefined=True)) == 3
        await client.delete_gem(gem)
        assert len((await client.fetch_gems()).filter(predefined=False)) == 0
    strict.turns = 1
    assert simulator.turns(name)[0]["gem"] == gem.id


async def test_deep_research_is_no_part_of_the_simulator_but_does_no_harm(connect, strict):
    async with connect() as client:
        output = await client.generate_content("hello", deep_research=True)
        assert output.text == "turn 1: hello"
    strict.turns = 1
