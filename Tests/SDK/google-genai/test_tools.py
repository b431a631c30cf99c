"""Tools, where the provider has them, and images, which the OpenAI-compatible provider carries."""

import hashlib
import struct
import zlib

import pytest
from google.genai import errors, types

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather in a city.",
            parameters=types.Schema(
                type="OBJECT", properties={"city": types.Schema(type="STRING")}, required=["city"]
            ),
        )
    ]
)
CONFIG = types.GenerateContentConfig(tools=[WEATHER])


def question(upstream, word: str) -> str:
    return upstream.calls("get_weather", {"city": "Oslo"}, f"How is the weather? {word}")


def test_a_tool_goes_round(client, tool_upstream, word):
    model = tool_upstream.model
    contents = [types.UserContent(question(tool_upstream, word))]
    answer = client.models.generate_content(model=model, contents=contents, config=CONFIG)
    [call] = answer.function_calls
    assert call.name == "get_weather" and call.args == {"city": "Oslo"}
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP

    result = types.Part.from_function_response(name=call.name, response={"result": f"rain, {word}"})
    contents += [answer.candidates[0].content, types.Content(role="user", parts=[result])]
    answer = client.models.generate_content(model=model, contents=contents, config=CONFIG)
    assert answer.text and not answer.function_calls


def test_the_upstream_sees_functions_and_results_as_they_were_sent(client, openai_upstream, word):
    model = openai_upstream.model
    contents = [types.UserContent(question(openai_upstream, word))]
    asked = client.models.generate_content(model=model, contents=contents, config=CONFIG).candidates[0].content
    result = types.Part.from_function_response(name="get_weather", response={"result": f"rain, {word}"})
    contents += [asked, types.Content(role="user", parts=[result])]
    client.models.generate_content(model=model, contents=contents, config=CONFIG)
    first, second = (entry["body"] for entry in openai_upstream.calls_with(word))
    assert first["tools"][0]["function"]["parameters"]["properties"] == {"city": {"type": "string"}}
    asked, answered = second["messages"][-2:]
    assert asked["tool_calls"][0]["id"] == answered["tool_call_id"]
    assert answered["role"] == "tool" and answered["content"] == f"rain, {word}"


def test_a_streamed_call_is_whole(client, tool_upstream, word):
    model, prompt = tool_upstream.model, question(tool_upstream, word)
    chunks = client.models.generate_content_stream(model=model, contents=prompt, config=CONFIG)
    calls = [call for chunk in chunks for call in chunk.function_calls or []]
    assert [(call.name, call.args) for call in calls] == [("get_weather", {"city": "Oslo"})]


def test_the_sdk_calls_a_function_by_itself(client, tool_upstream, word):
    asked = []

    def get_weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return f"rain {word}"

    chat = client.chats.create(model=tool_upstream.model, config=types.GenerateContentConfig(tools=[get_weather]))
    answer = chat.send_message(question(tool_upstream, word))
    assert asked == ["Oslo"] and answer.text
    # The upstream saw the result of its call.
    assert f"rain {word}" in tool_upstream.conversation_at(word)


def test_a_forced_function_is_forced_upstream(client, openai_upstream, word):
    choice = types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode="ANY", allowed_function_names=["get_weather"])
    )
    config = types.GenerateContentConfig(tools=[WEATHER], tool_config=choice)
    client.models.generate_content(model=openai_upstream.model, contents=word, config=config)
    [entry] = openai_upstream.calls_with(word)
    assert entry["body"]["tool_choice"]["function"]["name"] == "get_weather"


def test_a_tool_that_the_upstream_lacks_is_refused_by_name(client, tool_upstream, word):
    config = types.GenerateContentConfig(tools=[types.Tool(code_execution=types.ToolCodeExecution())])
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=tool_upstream.model, contents=word, config=config)
    assert caught.value.code == 400 and "codeExecution" in caught.value.message


def test_an_image_arrives_byte_for_byte(client, openai_upstream, word):
    image = types.Part.from_bytes(data=tiny_png(), mime_type="image/png")
    answer = client.models.generate_content(model=openai_upstream.model, contents=[f"What is this? {word}", image])
    # The simulator tells what it decoded by the beginning of its SHA-256.
    assert word in answer.text and hashlib.sha256(tiny_png()).hexdigest()[:8] in answer.text


def tiny_png() -> bytes:
    """One red pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
