"""Gemini Business by the google-genai SDK: three accounts, faults, and exactly the upstream calls that are needed."""

import json
import re

import pytest
from business import MP3, MP4, PDF, PNG, TEXT_MODEL, digest, listed
from google import genai
from google.genai import errors, types

WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather in a city.",
            parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}),
        )
    ]
)


def client_of(world, key=None) -> genai.Client:
    return genai.Client(api_key=key or world.key, http_options={"base_url": world.origin})


@pytest.fixture
def client(world):
    return client_of(world)


@pytest.fixture
def ask(client):
    def ask(contents, model=TEXT_MODEL, **config):
        return client.models.generate_content(
            model=model, contents=contents, config=types.GenerateContentConfig(**config))

    return ask


def parts_of(answer) -> list[types.Part]:
    return answer.candidates[0].content.parts


def text_of(answer) -> str:
    return "".join(part.text for part in parts_of(answer) if part.text and not part.thought)


def test_chat_with_thoughts(ask, world):
    answer = ask("Hello there", thinking_config=types.ThinkingConfig(include_thoughts=True))
    assert text_of(answer) == f"echo[{TEXT_MODEL}|files=0|turn=1]: Hello there"
    assert any(part.thought and "Reading the prompt" in part.text for part in parts_of(answer))
    assert answer.usage_metadata.total_token_count > 0
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 1}


def test_stream(client, world):
    chunks = list(client.models.generate_content_stream(model=TEXT_MODEL, contents="Hello there"))
    assert "".join(text_of(chunk) for chunk in chunks if chunk.candidates[0].content).endswith("]: Hello there")
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 1}


def test_a_chat_goes_on_in_its_session_from_the_second_turn(client, world):
    chat = client.chats.create(model=TEXT_MODEL)
    assert "|turn=1]: One" in chat.send_message("One").text
    streamed = "".join(chunk.text or "" for chunk in chat.send_message_stream("Two"))
    assert "|turn=2]: Two" in streamed
    assert "|turn=3]: Three" in chat.send_message("Three").text
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 3}
    assert len({question["session"] for question in world.questions()}) == 1


def test_two_keys_with_the_same_words_never_share_a_session(world):
    for client in [client_of(world), client_of(world, world.other_key)]:
        chat = client.chats.create(model=TEXT_MODEL)
        assert "|turn=1]" in chat.send_message("A secret of two").text
        assert "|turn=2]" in chat.send_message("And now?").text
    assert world.calls() == {"widgetCreateSession": 2, "widgetStreamAssist": 4}


def test_citations(ask):
    answer = ask("[[sim:cite]] what is it?")
    metadata = answer.candidates[0].grounding_metadata
    assert metadata.grounding_chunks[0].web.uri == "https://example.org/x"
    segment = metadata.grounding_supports[0].segment
    assert text_of(answer).encode()[segment.start_index:segment.end_index] == b"A red square"


def test_a_round_trip_of_a_function(ask, world):
    call = '```pollux-call\n{"name": "get_weather", "arguments": {"city": "Ulm"}}\n```'
    contents = [types.UserContent(f"Weather in Ulm?\n{call}")]
    answer = ask(contents, tools=[WEATHER])
    [made] = answer.function_calls
    assert made.args == {"city": "Ulm"}
    result = types.Part.from_function_response(name="get_weather", response={"result": "rain"})
    contents += [answer.candidates[0].content, types.Content(role="user", parts=[result])]
    text = text_of(ask(contents, tools=[WEATHER]))
    assert "|turn=2]" in text and "rain" in text
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 2}


def test_json_that_fits_a_schema(ask):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    answer = ask(
        '```json\n{"city": "Ulm"}\n```', response_mime_type="application/json", response_json_schema=schema)
    assert json.loads(text_of(answer)) == {"city": "Ulm"}


def test_files_arrive_whole_and_in_order(ask, world):
    files = [("image/png", PNG), ("application/pdf", PDF), ("audio/mpeg", MP3), ("video/mp4", MP4)]
    parts = [types.Part.from_text(text="[[sim:files]] look")]
    parts += [types.Part.from_bytes(data=content, mime_type=mime) for mime, content in files]
    answer = ask(types.Content(role="user", parts=parts))
    assert listed(text_of(answer)) == [(mime, digest(content)) for mime, content in files]
    assert world.calls() == {"widgetCreateSession": 1, "widgetAddContextFile": 4, "widgetStreamAssist": 1}


def test_a_file_by_address_is_fetched_by_the_gateway(ask, world):
    parts = [
        types.Part.from_text(text="[[sim:files]] look"),
        types.Part.from_uri(file_uri=world.provide("b.pdf", PDF), mime_type="application/pdf"),
    ]
    assert listed(text_of(ask(types.Content(role="user", parts=parts)))) == [("application/pdf", digest(PDF))]


def test_an_address_that_may_not_be_fetched(ask, world):
    part = types.Part.from_uri(file_uri="http://127.0.0.1:1/x.png", mime_type="image/png")
    with pytest.raises(errors.ClientError) as caught:
        ask(types.Content(role="user", parts=[types.Part.from_text(text="look"), part]))
    assert caught.value.code == 400 and "the URL could not be used" in str(caught.value)
    assert world.calls() == {}


def test_an_image_comes_inline_and_is_edited(client, world):
    chat = client.chats.create(model="gemini-imagen")
    for prompt in ["draw a cat", "draw it in blue"]:
        [made] = [part.inline_data for part in parts_of(chat.send_message(prompt)) if part.inline_data]
        assert made.mime_type == "image/png" and made.data.startswith(b"\x89PNG")
    calls = world.calls()
    assert (calls["widgetCreateSession"], calls["widgetStreamAssist"]) == (1, 2)


def test_images_in_a_stream(client, world):
    stream = client.models.generate_content_stream(model="gemini-imagen", contents="[[sim:images=3]] draw cats")
    images = [
        part.inline_data.data
        for chunk in stream if chunk.candidates[0].content
        for part in parts_of(chunk) or [] if part.inline_data
    ]
    assert len(set(images)) == 3
    assert world.calls()["widgetStreamAssist"] == 1


@pytest.mark.parametrize("streams", [False, True])
def test_a_film_is_a_link(client, world, streams):
    request = {"model": "gemini-veo", "contents": "draw a running cat"}
    answers = list(client.models.generate_content_stream(**request)) if streams else [
        client.models.generate_content(**request)]
    [film] = [
        part.file_data for answer in answers if answer.candidates[0].content
        for part in parts_of(answer) or [] if part.file_data
    ]
    assert film.mime_type == "video/mp4"
    mime, content = world.fetch(film.file_uri)
    assert mime == "video/mp4" and content[4:8] == b"ftyp"
    assert world.calls()["widgetStreamAssist"] == 1


def test_trouble_costs_exactly_what_it_must(ask, world):
    for method, status, extra in [
        ("widgetStreamAssist", 503, {"widgetCreateSession": 2, "widgetStreamAssist": 2}),
        ("widgetStreamAssist", 404, {"widgetCreateSession": 2, "widgetStreamAssist": 2}),
        ("widgetStreamAssist", 401, {"widgetCreateSession": 1, "widgetStreamAssist": 2}),
    ]:
        world.mark()
        world.simulator.fault(method, status)
        assert text_of(ask(f"Hello {status}")).endswith(f"Hello {status}")
        assert world.calls() == extra, status


def test_a_limited_account_hands_its_chat_to_another(own_world):
    client = client_of(own_world)
    chat = client.chats.create(model=TEXT_MODEL)
    chat.send_message("Remember the number seven")
    [first] = own_world.entries("widgetStreamAssist")
    own_world.simulator.fault("widgetStreamAssist", 429, account=first["account"])
    own_world.mark()
    text = chat.send_message("Which number?").text
    assert "|turn=1]" in text and "Remember the number seven" in text and text.endswith("Which number?")
    limited, answered = own_world.entries("widgetStreamAssist")
    assert limited["account"] == first["account"] != answered["account"]


def test_content_that_the_workspace_refuses(ask):
    answer = ask("[[sim:skip=policy]] Hello")
    assert answer.candidates[0].finish_reason == types.FinishReason.SAFETY
    assert re.search("content policy", str(answer))
