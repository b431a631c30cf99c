"""Tools, where the provider has them, and images, which the OpenAI-compatible provider carries."""

import base64
import hashlib
import json
import struct
import zlib

import pytest

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def question(upstream, word: str) -> list[dict]:
    text = upstream.calls("get_weather", {"city": "Oslo"}, f"How is the weather? {word}")
    return [{"role": "user", "content": text}]


@pytest.fixture
def ask(client):
    def ask(upstream, messages, **options):
        return client.chat.completions.create(model=upstream.model, messages=messages, **options)

    return ask


def test_a_tool_goes_round(ask, tool_upstream, word):
    messages = question(tool_upstream, word)
    choice = ask(tool_upstream, messages, tools=[WEATHER]).choices[0]
    assert choice.finish_reason == "tool_calls"
    [call] = choice.message.tool_calls
    assert call.type == "function" and call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    result = {"role": "tool", "tool_call_id": call.id, "content": f"4 degrees and rain, {word}"}
    choice = ask(tool_upstream, [*messages, choice.message, result], tools=[WEATHER]).choices[0]
    assert choice.finish_reason == "stop" and choice.message.content
    assert not choice.message.tool_calls


def test_the_upstream_sees_tools_and_results_as_they_were_sent(ask, openai_upstream, word):
    messages = question(openai_upstream, word)
    message = ask(openai_upstream, messages, tools=[WEATHER], tool_choice="auto").choices[0].message
    call = message.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": f"rain {word}"}
    ask(openai_upstream, [*messages, message, result], tools=[WEATHER])
    first, second = (entry["body"] for entry in openai_upstream.calls_with(word))
    assert first["tools"][0]["function"]["parameters"] == WEATHER["function"]["parameters"]
    asked, answered = second["messages"][-2:]
    assert asked["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert answered["role"] == "tool" and word in json.dumps(answered["content"])


def test_a_streamed_tool_call_names_itself_once(ask, tool_upstream, word):
    stream = ask(tool_upstream, question(tool_upstream, word), tools=[WEATHER], stream=True)
    deltas = [chunk.choices[0] for chunk in stream]
    calls = [call for choice in deltas for call in choice.delta.tool_calls or []]
    assert [call.function.name for call in calls if call.function.name] == ["get_weather"]
    assert len([call.id for call in calls if call.id]) == 1
    assert {call.index for call in calls} == {0}
    assert json.loads("".join(call.function.arguments or "" for call in calls)) == {"city": "Oslo"}
    assert deltas[-1].finish_reason == "tool_calls"


def test_an_image_arrives_byte_for_byte(ask, openai_upstream, word):
    url = "data:image/png;base64," + base64.b64encode(tiny_png()).decode()
    parts = [{"type": "text", "text": f"What is this? {word}"}, {"type": "image_url", "image_url": {"url": url}}]
    text = ask(openai_upstream, [{"role": "user", "content": parts}]).choices[0].message.content
    # The simulator tells what it decoded by the beginning of its SHA-256.
    assert word in text and hashlib.sha256(tiny_png()).hexdigest()[:8] in text
    [entry] = openai_upstream.calls_with(word)
    assert url in json.dumps(entry["body"])


def tiny_png() -> bytes:
    """One red pixel; small enough that the simulator's journal keeps it whole."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
