"""Failures, as the SDK's exceptions show them."""

import pytest
from conftest import is_what_a_cut_raises
from google.genai import errors, types


def details(error: errors.APIError) -> dict:
    """The details by the last word of their type."""
    return {detail["@type"].rpartition(".")[2]: detail for detail in error.details["error"]["details"]}


def test_a_wrong_key_is_what_google_says_of_it(endpoint, upstream, word):
    client = endpoint.client(api_key="AIza-of-somebody-else-entirely")
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=upstream.model, contents=word)
    error = caught.value
    assert error.code == 400 and error.status == "INVALID_ARGUMENT"
    assert details(error)["ErrorInfo"]["reason"] == "API_KEY_INVALID"
    assert "somebody" not in str(error)
    assert not upstream.calls_with(word)


def test_a_keys_own_limit_says_when_to_come_back(limited_endpoint, openai_upstream, word):
    client = limited_endpoint.client()
    for _ in range(2):
        client.models.generate_content(model=openai_upstream.model, contents=word)
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(model=openai_upstream.model, contents=word)
    error = caught.value
    assert error.code == 429 and error.status == "RESOURCE_EXHAUSTED"
    # A request comes free every half an hour.
    assert 1700 < float(details(error)["RetryInfo"]["retryDelay"].removesuffix("s")) <= 1800
    assert len(openai_upstream.calls_with(word)) == 2


@pytest.mark.parametrize("streams", [False, True])
def test_an_unknown_model_is_not_found(client, word, streams):
    ask = client.models.generate_content_stream if streams else client.models.generate_content
    with pytest.raises(errors.ClientError) as caught:
        list(ask(model="no-such-model", contents=word))
    assert caught.value.code == 404 and caught.value.status == "NOT_FOUND"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"temperature": 5}, "generationConfig.temperature"),
        ({"max_output_tokens": 0}, "generationConfig.maxOutputTokens"),
        ({"stop_sequences": ["a", "b", "c", "d", "e", "f"]}, "generationConfig.stopSequences"),
        ({"cached_content": "cachedContents/x"}, "cachedContent"),
    ],
)
def test_a_wrong_field_is_named(client, upstream, word, config, field):
    with pytest.raises(errors.ClientError) as caught:
        client.models.generate_content(
            model=upstream.model, contents=word, config=types.GenerateContentConfig(**config)
        )
    error = caught.value
    assert error.code == 400 and error.status == "INVALID_ARGUMENT"
    [violation] = details(error)["BadRequest"]["fieldViolations"]
    assert violation["field"] == field
    assert not upstream.calls_with(word)


@pytest.mark.parametrize("streams", [False, True])
def test_an_upstream_limit_says_when_to_come_back(throwaway_endpoint, upstream, word, streams):
    client = throwaway_endpoint.client()
    ask = client.models.generate_content_stream if streams else client.models.generate_content
    with pytest.raises(errors.ClientError) as caught:
        list(ask(model=upstream.model, contents=upstream.limited(word)))
    error = caught.value
    assert error.code == 429 and error.status == "RESOURCE_EXHAUSTED"
    delay = details(error)["RetryInfo"]["retryDelay"]
    assert delay.endswith("s") and 0 < float(delay[:-1]) <= upstream.longest_wait


@pytest.mark.parametrize(("status", "code"), [(500, 502), (503, 503), (504, 504)])
def test_an_upstream_failure_is_a_server_error(throwaway_endpoint, upstream, word, status, code):
    client = throwaway_endpoint.client()
    with pytest.raises(errors.ServerError) as caught:
        client.models.generate_content(model=upstream.model, contents=upstream.fails(status, word))
    assert caught.value.code == code


def test_an_answer_that_breaks_off_is_an_error_not_an_end(client, upstream, word):
    received = []
    model, prompt = upstream.breaking_model, upstream.breaks_off(word)
    with pytest.raises(Exception) as caught:
        for chunk in client.models.generate_content_stream(model=model, contents=prompt):
            received.append(chunk)
    texts = [chunk for chunk in received if chunk.candidates]
    assert texts, "the stream had begun before it broke off"
    assert not any(chunk.candidates[0].finish_reason for chunk in texts)
    assert is_what_a_cut_raises(caught.value)
    assert word in client.models.generate_content(model=upstream.model, contents=word).text, "the gateway goes on"


def test_a_whole_answer_that_breaks_off_is_a_server_error(client, upstream, word):
    with pytest.raises(errors.ServerError) as caught:
        client.models.generate_content(model=upstream.breaking_model, contents=upstream.breaks_off(word))
    assert caught.value.code in (502, 503) and caught.value.status == "UNAVAILABLE"


def test_what_is_not_offered_is_said_plainly(client, upstream, word):
    for ask in (
        lambda: client.models.embed_content(model=upstream.model, contents=word),
        lambda: client.caches.get(name="cachedContents/x"),
        lambda: client.files.get(name="files/x"),
    ):
        with pytest.raises(errors.ServerError) as caught:
            ask()
        assert caught.value.code == 501 and "does not offer" in caught.value.message


def test_the_clients_own_timeout_is_the_gateways_too(endpoint, openai_upstream, word):
    # The SDK tells the server how long it waits, and adds nothing to it.
    client = endpoint.client(http={"headers": {"X-Server-Timeout": "1"}})
    with pytest.raises(errors.ServerError) as caught:
        client.models.generate_content(model=openai_upstream.model, contents=f"[[sim:headerstall]] {word}")
    assert caught.value.code == 504 and caught.value.status == "DEADLINE_EXCEEDED"
