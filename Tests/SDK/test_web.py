"""What only the provider of the web app does: it keeps chats, mends answers, and has functions and JSON in words."""

import json
import re

import openai
import pytest
from test_tools import WEATHER, question

from programs import eventually

CITY = WEATHER["function"]["parameters"] | {"additionalProperties": False}
FORMATS = {
    "json_object": {"type": "json_object"},
    "json_schema": {"type": "json_schema", "json_schema": {"name": "place", "schema": CITY, "strict": True}},
}


@pytest.fixture
def ask(client, web_upstream):
    def ask(messages, **options):
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        return client.chat.completions.create(**({"model": web_upstream.model, "messages": messages} | options))

    return ask


def text_of(stream) -> str:
    chunks = list(stream)
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices[0].finish_reason] == ["stop"]
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.mark.parametrize("streams", [False, True])
def test_a_conversation_goes_on_in_its_chat(ask, web_upstream, word, streams):
    messages = [{"role": "user", "content": f"Remember {word}one, please do."}]
    answer = text_of(ask(messages, stream=True)) if streams else ask(messages).choices[0].message.content
    messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": f"Now {word}two."}]
    assert ask(messages).choices[0].message.content == f"turn 2: Now {word}two."
    first, second = (entry["body"]["prompt"] for entry in web_upstream.calls_with(word))
    assert second == f"Now {word}two.", "only what is new is sent"


def test_a_changed_past_begins_a_new_chat(ask, web_upstream, word):
    messages = [{"role": "user", "content": f"Remember {word}one."}]
    ask(messages)
    messages += [{"role": "assistant", "content": f"I never said {word}."}, {"role": "user", "content": f"{word}two"}]
    assert ask(messages).choices[0].message.content == f"turn 1: {word}two"
    last = web_upstream.conversation_at(f"{word}two")
    assert f"Remember {word}one." in last and f"I never said {word}." in last


@pytest.mark.parametrize("trouble", ["breaks_off", "ends_early"])
@pytest.mark.parametrize("streams", [False, True])
def test_an_answer_that_breaks_off_is_read_back(ask, web_upstream, word, trouble, streams):
    prompt = getattr(web_upstream, trouble)(word)
    answer = text_of(ask(prompt, stream=True)) if streams else ask(prompt).choices[0].message.content
    assert answer.rstrip() == "turn 1: " + prompt.splitlines()[-1].rstrip()
    assert len(web_upstream.calls_with(word)) == 1, "nothing is asked again"


def test_an_answer_that_ends_early_and_cannot_be_read_back_is_an_error(throwaway_endpoint, web_upstream, word):
    # Without the SDK's own repetitions, which would bring the gateway to leave the upstream alone for a while.
    received = []
    with throwaway_endpoint.client(max_retries=0) as client:

        def ask(**options):
            messages = [{"role": "user", "content": web_upstream.ends_early(word)}]
            return client.chat.completions.create(model=web_upstream.breaking_model, messages=messages, **options)

        with pytest.raises(openai.APIError) as caught:
            ask()
        assert caught.value.code == "upstream_truncated"
        with pytest.raises(openai.APIError) as caught:
            for chunk in ask(stream=True):
                received.append(chunk)
    assert received and not any(chunk.choices[0].finish_reason for chunk in received)
    assert caught.value.body["code"] == "upstream_truncated"


def test_functions_and_results_reach_the_upstream_in_words(ask, web_upstream, word):
    messages = question(web_upstream, word)
    message = ask(messages, tools=[WEATHER]).choices[0].message
    [call] = message.tool_calls
    result = {"role": "tool", "tool_call_id": call.id, "content": f"rain {word}"}
    choice = ask([*messages, message, result], tools=[WEATHER]).choices[0]
    assert choice.message.content.startswith("turn 2:"), "the chat goes on"
    first, second = (entry["body"]["prompt"] for entry in web_upstream.calls_with(word))
    assert "get_weather" in first and WEATHER["function"]["description"] in first
    assert f"rain {word}" in second and "How is the weather?" not in second


def test_several_calls_come_in_order_each_with_its_id(ask, web_upstream, word):
    cities = ["Oslo", "Rome", "Ulm"]
    prompt = word
    for city in reversed(cities):
        prompt = web_upstream.calls("get_weather", {"city": city}, prompt)
    calls = ask(prompt, tools=[WEATHER]).choices[0].message.tool_calls
    assert [json.loads(call.function.arguments)["city"] for call in calls] == cities
    assert len({call.id for call in calls}) == 3
    [call] = ask(prompt, tools=[WEATHER], parallel_tool_calls=False).choices[0].message.tool_calls
    assert json.loads(call.function.arguments) == {"city": "Oslo"}

    streamed = {}
    for chunk in ask(prompt, tools=[WEATHER], stream=True):
        for piece in chunk.choices[0].delta.tool_calls or []:
            streamed[piece.index] = streamed.get(piece.index, "") + (piece.function.arguments or "")
    assert [json.loads(streamed[index])["city"] for index in range(3)] == cities


@pytest.mark.parametrize("options", [{}, {"tools": [WEATHER], "tool_choice": "none"}])
@pytest.mark.parametrize("streams", [False, True])
def test_a_call_that_was_not_offered_stays_text(ask, web_upstream, word, options, streams):
    prompt = question(web_upstream, word)
    if streams:
        text = text_of(ask(prompt, stream=True, **options))
    else:
        [choice] = ask(prompt, **options).choices
        assert choice.finish_reason == "stop" and not choice.message.tool_calls
        text = choice.message.content
    assert "get_weather" in text and "Oslo" in text


@pytest.mark.parametrize("wish", FORMATS)
@pytest.mark.parametrize("streams", [False, True])
def test_json_comes_out_of_its_fence(ask, web_upstream, word, wish, streams):
    prompt = web_upstream.says(f'Here:\\n```json\\n{{"city": "{word}"}}\\n```', word)
    answer = ask(prompt, response_format=FORMATS[wish], stream=streams)
    assert json.loads(text_of(answer) if streams else answer.choices[0].message.content) == {"city": word}


@pytest.mark.parametrize("streams", [False, True])
def test_json_that_does_not_fit_is_asked_for_again(ask, web_upstream, word, streams):
    web_upstream.orders('!sim say {"town": 1}', f'!sim say {{"city": "{word}"}}')
    answer = ask(word, response_format=FORMATS["json_schema"], stream=streams)
    assert json.loads(text_of(answer) if streams else answer.choices[0].message.content) == {"city": word}
    first, second = web_upstream.journal()[-2:]
    assert word in first["body"]["prompt"] and first["account"] == second["account"]
    assert second["cid"] and "city" in second["body"]["prompt"], "the same chat is told the fault"


@pytest.mark.parametrize("streams", [False, True])
def test_json_that_never_fits_is_an_error(ask, web_upstream, word, streams):
    prompt = web_upstream.says('{"town": 1}', word)
    with pytest.raises(openai.APIError) as caught:
        list(ask(prompt, response_format=FORMATS["json_schema"], stream=streams))
    assert caught.value.code == "invalid_structured_output"


def test_the_gateway_stops_and_limits_by_itself(ask, web_upstream, word):
    prompt = web_upstream.says("one two three four five six seven eight nine ten", word)
    choice = ask(prompt, stop=["three"]).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("one two ", "stop")
    assert text_of(ask(prompt, stop=["three"], stream=True)) == "one two "
    choice = ask(prompt, max_tokens=3).choices[0]
    assert choice.finish_reason == "length" and choice.message.content.startswith("one")
    assert "ten" not in choice.message.content
    chunks = list(ask(prompt, max_tokens=3, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == choice.message.content
    assert chunks[-1].choices[0].finish_reason == "length"


def test_what_is_ignored_is_named(client, web_upstream, word):
    messages = [{"role": "user", "content": word}]
    raw = client.chat.completions.with_raw_response.create(
        model=web_upstream.model, messages=messages, temperature=0.5, top_p=0.5, seed=7
    )
    assert word in raw.parse().choices[0].message.content
    ignored = {name.strip() for name in raw.headers["x-pollux-ignored"].split(",")}
    assert ignored == {"temperature", "top_p", "seed"}


@pytest.mark.parametrize(
    "change",
    [
        {"n": 2},
        {"messages": [{"role": "user", "content": [
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        ]}]},
        {"tools": [WEATHER | {"function": WEATHER["function"] | {"name": "get`weather"}}]},
    ],
    ids=["choices", "image", "function name"],
)  # fmt: skip
def test_what_the_web_app_cannot_do_is_refused(ask, web_upstream, word, change):
    before = len(web_upstream.journal())
    with pytest.raises(openai.BadRequestError) as caught:
        ask(word, **change) if "messages" not in change else ask(**change)
    assert caught.value.type == "invalid_request_error" and caught.value.code
    assert len(web_upstream.journal()) == before


def test_a_prompt_above_the_limit_is_refused_with_its_reason(ask, web_upstream, word):
    with pytest.raises(openai.BadRequestError) as caught:
        ask(word + " and more" * 20_000)
    assert caught.value.code == "context_length_exceeded" and not web_upstream.calls_with(word)


def test_a_spent_allowance_is_told_apart_from_a_limit(throwaway_endpoint, web_upstream, word):
    messages = [{"role": "user", "content": f"!sim error 1037\n{word}"}]
    with throwaway_endpoint.client() as client:
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(model=web_upstream.model, messages=messages)
    assert caught.value.code == "insufficient_quota"


@pytest.mark.parametrize("model", ["gemini-flash-lite", "gemini-auto", "gemini-3-pro-preview"])
def test_every_model_of_the_web_app_answers_by_its_name(ask, word, model):
    answer = ask(word, model=f"web/{model}")
    assert answer.model == f"web/{model}" and word in answer.choices[0].message.content


AWKWARD = "caf\u00e9 \u4f60\u597d \U0001f468\u200d\U0001f469 \u2028 a_b *c* [d] <e> & | \\ {} data: end"


@pytest.mark.parametrize("manner", ["", "!sim split x\n", "!sim flicker x\n"])
def test_a_stream_says_what_a_whole_answer_says(ask, word, manner):
    prompt = f"{manner}{word} {AWKWARD}"
    assert ask(prompt).choices[0].message.content == f"turn 1: {word} {AWKWARD}"
    assert text_of(ask(prompt, stream=True)) == f"turn 1: {word} {AWKWARD}"


def test_entities_are_decoded_and_markdown_stays(ask, word):
    prompt = f"!sim escape x\n{word} {AWKWARD} &lt;"
    expected = "turn 1: " + re.sub(r"[\[\]_*|]", r"\\\g<0>", f"{word} {AWKWARD} &lt;")
    assert ask(prompt).choices[0].message.content == expected
    assert text_of(ask(prompt, stream=True)) == expected


HTML = "<p title=&quot;x&quot;>a &amp; b &lt;i&gt;</p>"


@pytest.mark.parametrize("streams", [False, True])
def test_code_stays_as_it_was_written(ask, web_upstream, word, streams):
    prompt = "!sim escape x\n" + web_upstream.says(f"Code:\\n```html\\n{HTML}\\n```", word)
    answer = ask(prompt, stream=streams)
    text = text_of(answer) if streams else answer.choices[0].message.content
    assert text == f"Code:\n```html\n{HTML}\n```"


@pytest.mark.parametrize("html", ["a &amp; b", "say &quot;b&quot;"])
def test_arguments_of_a_call_stay_as_they_were_written(ask, web_upstream, word, html):
    prompt = "!sim escape x\n" + web_upstream.calls("get_weather", {"city": html}, word)
    [call] = ask(prompt, tools=[WEATHER]).choices[0].message.tool_calls or [None]
    assert call and json.loads(call.function.arguments) == {"city": html}


@pytest.mark.parametrize("html", ["a &amp; b", "say &quot;b&quot;"])
def test_json_stays_as_it_was_written(throwaway_endpoint, web_upstream, word, html):
    line = "!sim escape x\n!sim say ```json\\n" + json.dumps({"city": html}) + "\\n```"
    # The gateway asks again where the first reply is no JSON.
    web_upstream.orders(line)
    messages = [{"role": "user", "content": word}]
    with throwaway_endpoint.client() as client:
        answer = client.chat.completions.create(
            model=web_upstream.model, messages=messages, response_format=FORMATS["json_schema"]
        )
    assert json.loads(answer.choices[0].message.content) == {"city": html}


@pytest.mark.parametrize("streams", [False, True])
def test_an_error_behind_a_whole_answer_does_no_harm(ask, word, streams):
    answer = ask(f"!sim late-error 1096\n{word}", stream=streams)
    assert (text_of(answer) if streams else answer.choices[0].message.content) == f"turn 1: {word}"


@pytest.mark.parametrize(
    ("directive", "status", "code"),
    [
        ("drop x", 502, "upstream_aborted"),
        ("status 4", 502, "upstream_aborted"),
        ("error 1003", 400, "upstream_rejected"),
        ("error 1013", 502, "upstream_error"),
        ("error 1060", 503, "upstream_unavailable"),
        ("error 1096", 502, "upstream_error"),
    ],
)
@pytest.mark.parametrize("streams", [False, True])
def test_an_error_in_band_is_an_error(throwaway_endpoint, web_upstream, word, directive, status, code, streams):
    messages = [{"role": "user", "content": f"!sim {directive}\n{word}"}]
    with throwaway_endpoint.client() as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.chat.completions.create(model=web_upstream.model, messages=messages, stream=streams)
    assert (caught.value.status_code, caught.value.code) == (status, code)


def test_a_changed_token_is_taken_over(ask, web_upstream, word):
    assert ask(f"!sim xsrf x\n{word}").choices[0].message.content == f"turn 1: {word}"


def test_a_closed_stream_frees_its_account(throwaway_endpoint, web_upstream, word):
    with throwaway_endpoint.client() as client:

        def ask(content, **options):
            messages = [{"role": "user", "content": content}]
            return client.chat.completions.create(model=web_upstream.model, messages=messages, **options)

        with ask(web_upstream.slowly(word), stream=True) as stream:
            next(iter(stream))
            # The only account is taken, and nobody waits longer than the settings say.
            with pytest.raises(openai.InternalServerError) as caught:
                ask(f"{word}waits")
        assert (caught.value.status_code, caught.value.code) == (503, "no_account_available")
        assert int(caught.value.response.headers["retry-after"]) >= 1
        assert f"{word}next" in ask(f"{word}next").choices[0].message.content
    assert not web_upstream.calls_with(f"{word}waits")


def test_sources_follow_the_text(ask, word):
    message = ask(f"!sim cite x\n{word}").choices[0].message
    assert word in message.content
    citations = [annotation.url_citation for annotation in message.annotations]
    assert [citation.url for citation in citations] == ["https://source-1.example", "https://source-2.example"]
    assert all(0 <= citation.start_index < citation.end_index <= len(message.content) for citation in citations)


def test_models_are_offered_by_their_present_version_too(ask, client, word):
    def the_account_was_asked_for_its_models():
        return [model.id for model in client.models.list() if model.id.endswith("gemini-3.5-flash")]

    # A gateway lists them some seconds after its start.
    eventually(the_account_was_asked_for_its_models, 20)
    assert client.models.retrieve("web/gemini-3.5-flash").id == "web/gemini-3.5-flash"
    answer = ask(word, model="web/gemini-3.5-flash")
    assert answer.model == "web/gemini-3.5-flash" and word in answer.choices[0].message.content
