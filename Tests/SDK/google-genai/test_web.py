"""What only the provider of the web app does: it keeps chats, mends answers, and has functions and JSON in words."""

import json

import pytest
from google.genai import errors, types
from test_tools import CONFIG, WEATHER, question, tiny_png


def text_of(stream) -> str:
    chunks = list(stream)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    return "".join(chunk.text or "" for chunk in chunks)


@pytest.fixture
def ask(client, web_upstream):
    """Asks for a whole answer or a stream and returns the text."""

    def ask(contents, streams, **config):
        request = {"model": web_upstream.model, "contents": contents, "config": types.GenerateContentConfig(**config)}
        if streams:
            return text_of(client.models.generate_content_stream(**request))
        return client.models.generate_content(**request).text

    return ask


def test_a_chat_goes_on_in_its_chat(client, web_upstream, word):
    chat = client.chats.create(model=web_upstream.model)
    text_of(chat.send_message_stream(f"Remember {word}one, please do."))
    assert chat.send_message(f"Now {word}two.").text == f"turn 2: Now {word}two."
    assert text_of(chat.send_message_stream(f"Now {word}three.")) == f"turn 3: Now {word}three."
    prompts = [entry["body"]["prompt"] for entry in web_upstream.calls_with(word)]
    assert prompts[1:] == [f"Now {word}two.", f"Now {word}three."], "only what is new is sent"


@pytest.mark.parametrize("trouble", ["breaks_off", "ends_early"])
@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_that_breaks_off_is_read_back(ask, web_upstream, word, trouble, streams):
    prompt = getattr(web_upstream, trouble)(word)
    assert ask(prompt, streams).rstrip() == "turn 1: " + prompt.splitlines()[-1].rstrip()
    assert len(web_upstream.calls_with(word)) == 1, "nothing is asked again"


def test_functions_and_results_reach_the_upstream_in_words(client, web_upstream, word):
    model, contents = web_upstream.model, [types.UserContent(question(web_upstream, word))]
    answer = client.models.generate_content(model=model, contents=contents, config=CONFIG)
    result = types.Part.from_function_response(name="get_weather", response={"result": f"rain {word}"})
    contents += [answer.candidates[0].content, types.Content(role="user", parts=[result])]
    answer = client.models.generate_content(model=model, contents=contents, config=CONFIG)
    assert answer.text.startswith("turn 2:"), "the chat goes on"
    first, second = (entry["body"]["prompt"] for entry in web_upstream.calls_with(word))
    assert "get_weather" in first and "The weather in a city." in first
    assert f"rain {word}" in second and "How is the weather?" not in second


@pytest.mark.parametrize("streams", [False, True])
def test_a_call_that_was_not_asked_for_stays_text(ask, web_upstream, word, streams):
    prompt = question(web_upstream, word)
    none = types.ToolConfig(function_calling_config=types.FunctionCallingConfig(mode="NONE"))
    for config in ({}, {"tools": [WEATHER], "tool_config": none}):
        text = ask(prompt, streams, **config)
        assert "get_weather" in text and "Oslo" in text


@pytest.mark.parametrize("streams", [False, True])
def test_json_comes_out_of_its_fence(ask, web_upstream, word, streams):
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    prompt = web_upstream.says(f'Here:\\n```json\\n{{"city": "{word}"}}\\n```', word)
    for config in ({}, {"response_schema": schema}):
        text = ask(prompt, streams, response_mime_type="application/json", **config)
        assert json.loads(text) == {"city": word}


@pytest.mark.parametrize("streams", [False, True])
def test_json_that_does_not_fit_is_asked_for_again(ask, web_upstream, word, streams):
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    web_upstream.orders('!sim say {"town": 1}', f'!sim say {{"city": "{word}"}}')
    text = ask(word, streams, response_mime_type="application/json", response_schema=schema)
    assert json.loads(text) == {"city": word}


def test_json_that_never_fits_is_an_error(ask, web_upstream, word):
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    prompt = web_upstream.says('{"town": 1}', word)
    with pytest.raises(errors.ServerError) as caught:
        ask(prompt, False, response_mime_type="application/json", response_schema=schema)
    assert caught.value.code == 502 and "JSON" in caught.value.message


@pytest.mark.parametrize("streams", [False, True])
def test_the_gateway_stops_by_itself(ask, web_upstream, word, streams):
    prompt = web_upstream.says("one two three four five six", word)
    assert ask(prompt, streams, stop_sequences=["three"]) == "one two "


def test_the_gateway_limits_by_itself(client, web_upstream, word):
    prompt = web_upstream.says("one two three four five six seven eight nine ten", word)
    config = types.GenerateContentConfig(max_output_tokens=3)
    request = {"model": web_upstream.model, "contents": prompt, "config": config}
    answer = client.models.generate_content(**request)
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS
    assert answer.text.startswith("one") and "ten" not in answer.text
    chunks = list(client.models.generate_content_stream(**request))
    assert "".join(chunk.text or "" for chunk in chunks) == answer.text
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.MAX_TOKENS


def test_what_the_web_app_cannot_do_is_refused(client, web_upstream, word):
    image = types.Part.from_bytes(data=tiny_png(), mime_type="image/png")
    for contents, config in (
        ([word, image], {}),
        (word, {"candidate_count": 2}),
        (word, {"response_modalities": ["IMAGE"]}),
    ):
        with pytest.raises(errors.ClientError) as caught:
            client.models.generate_content(
                model=web_upstream.model, contents=contents, config=types.GenerateContentConfig(**config)
            )
        assert caught.value.code == 400 and caught.value.status == "INVALID_ARGUMENT", config
    assert not web_upstream.calls_with(word)


def test_a_spent_allowance_is_exhausted(throwaway_endpoint, web_upstream, word):
    client = throwaway_endpoint.client()
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=web_upstream.model, contents=f"!sim error 1037\n{word}")
    assert caught.value.code == 429 and caught.value.status == "RESOURCE_EXHAUSTED"


def test_sources_follow_the_text(client, web_upstream, word):
    answer = client.models.generate_content(model=web_upstream.model, contents=f"!sim cite x\n{word}")
    assert word in answer.text
    chunks = answer.candidates[0].grounding_metadata.grounding_chunks
    assert [chunk.web.uri for chunk in chunks] == ["https://source-1.example", "https://source-2.example"]


def test_a_closed_stream_frees_its_account(throwaway_endpoint, web_upstream, word):
    client = throwaway_endpoint.client()
    model = web_upstream.model
    stream = client.models.generate_content_stream(model=model, contents=web_upstream.slowly(word))
    next(stream)
    # The only account is taken, and nobody waits longer than the settings say.
    with pytest.raises(errors.ServerError) as caught:
        client.models.generate_content(model=model, contents=f"{word}waits")
    assert caught.value.code == 503 and caught.value.status == "UNAVAILABLE"
    stream.close()
    assert f"{word}next" in client.models.generate_content(model=model, contents=f"{word}next").text
    assert not web_upstream.calls_with(f"{word}waits")


@pytest.mark.parametrize("streams", [False, True])
def test_code_stays_as_it_was_written(ask, web_upstream, word, streams):
    html = "<p>a &amp; b &lt;i&gt;</p>"
    prompt = "!sim escape x\n" + web_upstream.says(f"Code:\\n```html\\n{html}\\n```", word)
    assert ask(prompt, streams) == f"Code:\n```html\n{html}\n```"
