"""Gemini Business by the OpenAI SDK: three accounts, faults, and exactly the upstream calls that are needed."""

import base64
import json
import re

import openai
import pytest
from business import MP3, MP4, PDF, PNG, TEXT_MODEL, digest, listed

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def asking(world, key=None):
    client = openai.OpenAI(base_url=world.origin + "/v1", api_key=key or world.key, max_retries=0, timeout=30)

    def ask(content, **options):
        messages = content if isinstance(content, list) and "role" in content[0] else [user(content)]
        return client.chat.completions.create(**({"model": TEXT_MODEL, "messages": messages} | options))

    return ask


@pytest.fixture
def ask(world):
    return asking(world)


def user(content) -> dict:
    return {"role": "user", "content": content}


def data_url(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"


def image(url: str) -> dict:
    return {"type": "image_url", "image_url": {"url": url}}


def folded(stream):
    """(text, thoughts, images, finish reason) of a stream."""
    text, thoughts, images, finish = "", "", [], None
    for chunk in stream:
        for choice in chunk.choices:
            delta = choice.delta
            text += delta.content or ""
            thoughts += getattr(delta, "reasoning_content", None) or ""
            images += getattr(delta, "images", None) or []
            finish = choice.finish_reason or finish
    return text, thoughts, images, finish


# Text


def test_chat_with_thoughts(ask, world):
    answer = ask("Hello there")
    [choice] = answer.choices
    assert choice.message.content == f"echo[{TEXT_MODEL}|files=0|turn=1]: Hello there"
    assert "Reading the prompt" in choice.message.reasoning_content
    assert choice.finish_reason == "stop" and answer.usage.total_tokens > 0
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 1}


def test_stream(ask, world):
    text, thoughts, _, finish = folded(ask("Hello there", stream=True))
    assert text.endswith("]: Hello there") and "Reading the prompt" in thoughts and finish == "stop"
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 1}


@pytest.mark.parametrize("streams", [False, True])
def test_a_conversation_goes_on_in_its_session_from_the_second_turn(ask, world, streams):
    messages = []
    for turn in [1, 2, 3]:
        messages.append(user(f"Part {turn}, streamed: {streams}"))
        answer = ask(messages, stream=streams)
        text = folded(answer)[0] if streams else answer.choices[0].message.content
        assert f"|turn={turn}]: Part {turn}" in text
        messages.append({"role": "assistant", "content": text})
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 3}
    assert len({question["session"] for question in world.questions()}) == 1
    assert len({entry["account"] for entry in world.entries("widgetStreamAssist")}) == 1


def test_two_keys_with_the_same_words_never_share_a_session(ask, world):
    messages = [user("A secret of two")]
    text = ask(messages).choices[0].message.content
    messages += [{"role": "assistant", "content": text}, user("And now?")]
    other = asking(world, world.other_key)(messages).choices[0].message.content
    own = ask(messages).choices[0].message.content
    assert "|turn=1]" in other and "|turn=2]: And now?" in own
    first, second, third = (question["session"] for question in world.questions())
    assert first == third != second


def test_a_named_conversation_takes_what_is_new_alone(ask, world):
    name = {"conversation_id": "trip"}
    for turn in [1, 2]:
        answer = ask(f"Leg {turn}", extra_body=name)
        assert f"|turn={turn}]: Leg {turn}" in answer.choices[0].message.content
        assert answer.conversation_id == "trip"
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 2}


def test_citations(ask):
    message = ask("[[sim:cite]] what is it?").choices[0].message
    [annotation] = message.annotations
    citation = annotation.url_citation
    assert citation.url == "https://example.org/x"
    assert message.content[citation.start_index:citation.end_index] == "A red square"


def test_limits_and_what_is_ignored(ask):
    answer = asking_raw(ask, "one two STOP three", stop=["STOP"], temperature=0.5, seed=1)
    assert answer.parse().choices[0].message.content.endswith("one two ")
    assert answer.headers["x-pollux-ignored"] == "temperature, seed"
    short = ask("word " * 200, max_tokens=20)
    assert short.choices[0].finish_reason == "length" and short.usage.completion_tokens <= 20 + 20


def asking_raw(ask, content, **options):
    client = ask.__closure__[0].cell_contents
    return client.chat.completions.with_raw_response.create(model=TEXT_MODEL, messages=[user(content)], **options)


# Functions and JSON


def test_a_round_trip_of_a_function(ask, world):
    call = '```pollux-call\n{"name": "get_weather", "arguments": {"city": "Ulm"}}\n```'
    messages = [user(f"Weather in Ulm?\n{call}")]
    [choice] = ask(messages, tools=[WEATHER]).choices
    assert choice.finish_reason == "tool_calls"
    [made] = choice.message.tool_calls
    assert json.loads(made.function.arguments) == {"city": "Ulm"}
    messages += [choice.message.model_dump(exclude_none=True), {"role": "tool", "tool_call_id": made.id, "content": "rain"}]
    text = ask(messages, tools=[WEATHER]).choices[0].message.content
    assert "|turn=2]" in text and "rain" in text
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 2}


def test_json_that_fits_and_json_that_is_repaired(ask, world):
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    wish = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    fits = ask('```json\n{"city": "Ulm"}\n```', response_format=wish)
    assert json.loads(fits.choices[0].message.content) == {"city": "Ulm"}
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 1}
    world.mark()
    with pytest.raises(openai.APIStatusError) as caught:
        ask("no json at all", response_format=wish)
    assert caught.value.code == "invalid_structured_output"
    assert world.calls() == {"widgetCreateSession": 1, "widgetStreamAssist": 2}
    assert len({question["session"] for question in world.questions()}) == 1


# Files


def test_files_arrive_whole_and_in_order(ask, world):
    large = bytes(range(256)) * 4096
    parts = [
        {"type": "text", "text": "[[sim:files]] look"},
        image(data_url("image/png", PNG)),
        image(data_url("application/pdf", PDF)),
        {"type": "file", "file": {"filename": "notes.txt", "file_data": data_url("text/plain", b"notes " * 9)}},
        {"type": "input_audio", "input_audio": {"format": "mp3", "data": base64.b64encode(MP3).decode()}},
        image(data_url("video/mp4", MP4 + large)),
    ]
    text = ask(parts).choices[0].message.content
    assert "files=5" in text
    assert listed(text) == [
        ("image/png", digest(PNG)), ("application/pdf", digest(PDF)), ("text/plain", digest(b"notes " * 9)),
        ("audio/mpeg", digest(MP3)), ("video/mp4", digest(MP4 + large)),
    ]
    assert world.calls() == {"widgetCreateSession": 1, "widgetAddContextFile": 5, "widgetStreamAssist": 1}


def test_an_image_by_url_is_fetched_by_the_gateway(ask, world):
    text = ask([{"type": "text", "text": "[[sim:files]] look"}, image(world.provide("a.png", PNG))])
    assert listed(text.choices[0].message.content) == [("image/png", digest(PNG))]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/x.png", "http://169.254.169.254/latest", "https://no.such.invalid/x"])
def test_addresses_that_may_not_be_fetched_are_all_alike(ask, world, url):
    with pytest.raises(openai.BadRequestError) as caught:
        ask([{"type": "text", "text": "look"}, image(url)])
    assert caught.value.code == "invalid_image_url"
    assert caught.value.body["message"] == "the URL could not be used"
    assert world.calls() == {}


def test_a_type_that_the_upstream_refuses_is_the_clients_to_change(ask, world):
    with pytest.raises(openai.BadRequestError) as caught:
        ask([{"type": "text", "text": "look"}, image(data_url("application/x-rar-compressed", b"Rar!\x1a\x07\x00" + bytes(9)))])
    assert "rar" in str(caught.value)
    assert world.calls().get("widgetStreamAssist", 0) == 0


# Images and films


def test_an_image_is_a_link_unless_it_is_wanted_otherwise(ask, world):
    message = ask("draw a cat", model="gemini-imagen").choices[0].message
    [made] = message.images
    mime, content = world.fetch(made["image_url"]["url"])
    assert mime == "image/png" and content.startswith(b"\x89PNG")
    assert world.calls() == {
        "widgetCreateSession": 1, "widgetStreamAssist": 1, "widgetListSessionFileMetadata": 1, "downloadFile": 2}
    inline = ask("draw a dog", model="gemini-imagen", extra_headers={"x-pollux-media-output": "base64"})
    url = inline.choices[0].message.images[0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    markdown = ask("draw a cow", model="gemini-imagen", extra_headers={"x-pollux-media-output": "markdown"})
    [link] = re.findall(r"!\[[^]]*\]\((\S+)\)", markdown.choices[0].message.content)
    assert world.fetch(link)[0] == "image/png"


def test_images_in_a_stream(ask, world):
    text, _, images, finish = folded(ask("[[sim:images=3]] draw cats", model="gemini-imagen", stream=True))
    assert text and finish == "stop" and len(images) == 3
    assert len({world.fetch(made["image_url"]["url"])[1] for made in images}) == 3
    assert world.calls()["widgetStreamAssist"] == 1


def test_an_image_is_edited(ask, world):
    parts = [{"type": "text", "text": "draw it in blue"}, image(data_url("image/png", PNG))]
    first = ask(parts, model="gemini-imagen").choices[0].message
    assert len(first.images) == 1
    messages = [user(parts), {"role": "assistant", "content": first.content}, user("draw it larger")]
    second = ask(messages, model="gemini-imagen").choices[0].message
    assert len(second.images) == 1
    calls = world.calls()
    assert (calls["widgetCreateSession"], calls["widgetAddContextFile"], calls["widgetStreamAssist"]) == (1, 1, 2)


def test_an_image_of_the_gateway_can_be_sent_back(ask, world):
    made = ask("draw a cat", model="gemini-imagen").choices[0].message.images[0]["image_url"]["url"]
    content = world.fetch(made)[1]
    text = ask([{"type": "text", "text": "[[sim:files]] what is it?"}, image(made)]).choices[0].message.content
    assert listed(text) == [("image/png", digest(content))]


@pytest.mark.parametrize("streams", [False, True])
def test_a_film_is_a_link(ask, world, streams):
    answer = ask("draw a running cat", model="gemini-veo", stream=streams)
    text = folded(answer)[0] if streams else answer.choices[0].message.content
    [link] = re.findall(r"http://\S+", text)
    mime, content = world.fetch(link)
    assert mime == "video/mp4" and content[4:8] == b"ftyp"
    assert world.calls()["widgetStreamAssist"] == 1


def test_a_file_that_is_late_is_waited_for_and_nothing_is_made_twice(ask, world):
    message = ask("[[sim:late=1]] draw a cat", model="gemini-imagen").choices[0].message
    assert len(message.images) == 1
    assert world.calls()["widgetStreamAssist"] == 1


# Trouble


def test_trouble_costs_exactly_what_it_must(ask, world):
    for method, status, extra in [
        ("widgetStreamAssist", 503, {"widgetCreateSession": 2, "widgetStreamAssist": 2}),
        ("widgetStreamAssist", 404, {"widgetCreateSession": 2, "widgetStreamAssist": 2}),
        ("widgetStreamAssist", 401, {"widgetCreateSession": 1, "widgetStreamAssist": 2}),
        ("widgetCreateSession", 401, {"widgetCreateSession": 2, "widgetStreamAssist": 1}),
        ("widgetCreateSession", 503, {"widgetCreateSession": 2, "widgetStreamAssist": 1}),
    ]:
        world.mark()
        world.simulator.fault(method, status)
        text = ask(f"Hello {method} {status}").choices[0].message.content
        assert text.endswith(f"Hello {method} {status}")
        assert world.calls() == extra, (method, status)
    assert "stale" not in json.dumps([entry["verdict"] for entry in world.entries()])


@pytest.mark.parametrize("mark", ["skip=other", "failed", "empty", "thoughts-only", "inband=503", "cut=0"])
def test_no_answer_is_never_a_clean_one(own_world, mark):
    with pytest.raises(openai.APIStatusError) as caught:
        asking(own_world)(f"[[sim:{mark}]] Hello")
    assert caught.value.status_code in (502, 503)


def test_content_that_the_workspace_refuses(ask, world):
    [choice] = ask("[[sim:skip=policy]] Hello").choices
    assert choice.finish_reason == "content_filter" and "content policy" in choice.message.refusal
    assert world.calls()["widgetStreamAssist"] == 1


def test_a_broken_stream_is_an_error_and_is_not_asked_again(own_world):
    own_world.mark()
    received = ""
    with pytest.raises(openai.APIError):
        for chunk in asking(own_world)("[[sim:cut=3,slow=20]] Hello " + "long " * 40, stream=True):
            received += chunk.choices[0].delta.content or ""
    assert received
    assert own_world.calls()["widgetStreamAssist"] == 1


def test_a_limited_account_hands_its_conversation_to_another(own_world):
    ask = asking(own_world)
    messages = [user("Remember the number seven")]
    text = ask(messages).choices[0].message.content
    [first] = own_world.entries("widgetStreamAssist")
    own_world.simulator.fault("widgetStreamAssist", 429, account=first["account"])
    messages += [{"role": "assistant", "content": text}, user("Which number?")]
    own_world.mark()
    text = ask(messages).choices[0].message.content
    assert "|turn=1]" in text and "Remember the number seven" in text and text.endswith("Which number?")
    limited, answered = own_world.entries("widgetStreamAssist")
    assert limited["account"] == first["account"] != answered["account"]
    own_world.mark()
    assert ask("Anew").choices[0].message.content.endswith("Anew")
    assert first["account"] not in {entry["account"] for entry in own_world.entries()}


def test_dead_cookies_and_a_restricted_account_leave_the_others(own_world):
    simulator = own_world.simulator
    one, two, _ = (account["csesidx"] for account in simulator.accounts())
    simulator.fault("getoxsrf", 401, times=9, account=one, body={"status": "EXPIRED_SIGN_IN", "message": "expired"})
    simulator.fault("widgetCreateSession", 403, times=9, account=two)
    ask = asking(own_world)
    for number in range(5):
        assert ask(f"Question {number}").choices[0].message.content.endswith(f"Question {number}")
    own_world.mark()
    ask("Once more")
    assert one not in {entry["account"] for entry in own_world.entries()}
    assert two not in {entry["account"] for entry in own_world.entries()}
