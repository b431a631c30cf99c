"""Failures, as the SDK's exceptions show them."""

import re

import openai
import pytest


def ask(client, upstream, content, **options):
    request = {"model": upstream.model, "messages": [{"role": "user", "content": content}]} | options
    return client.chat.completions.create(**request)


def test_a_wrong_key_is_an_authentication_error(endpoint, upstream, word):
    with endpoint.client(api_key="sk-of-somebody-else-entirely") as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            ask(client, upstream, word)
    error = caught.value
    assert error.status_code == 401 and error.code == "invalid_api_key" and error.request_id
    assert "somebody" not in error.message
    assert not upstream.calls_with(word)


def test_an_unknown_model_is_not_found(client, word):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="no-such-model", messages=[{"role": "user", "content": word}])
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hello"}, "messages"),
        ({"temperature": 5}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"response_format": {"type": "poem"}}, "response_format"),
    ],
)
def test_a_wrong_field_is_named(client, upstream, word, change, param):
    request = {"model": upstream.model, "messages": [{"role": "user", "content": word}]} | change
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**request)
    error = caught.value
    assert error.type == "invalid_request_error" and error.param.startswith(param) and error.code
    assert not upstream.calls_with(word)


def test_an_upstream_limit_says_when_to_come_back(throwaway_endpoint, upstream, word):
    with throwaway_endpoint.client() as client:
        with pytest.raises(openai.RateLimitError) as caught:
            ask(client, upstream, upstream.limited(word))
    error = caught.value
    assert error.type == "rate_limit_error" and error.code == "rate_limit_exceeded"
    seconds = int(error.response.headers["retry-after"])
    assert 1 <= seconds <= upstream.longest_wait


def test_a_keys_own_limit_is_told_with_every_answer(limited_endpoint, openai_upstream, word):
    with limited_endpoint.client() as client:
        request = {"model": openai_upstream.model, "messages": [{"role": "user", "content": word}]}
        for left in ["1", "0"]:
            fields = client.chat.completions.with_raw_response.create(**request).headers
            assert fields["x-ratelimit-limit-requests"] == "2"
            assert fields["x-ratelimit-remaining-requests"] == left
            assert re.fullmatch(r"(\d+h)?(\d+m)?\d+(\.\d+)?m?s", fields["x-ratelimit-reset-requests"])
            assert fields["x-ratelimit-limit-tokens"] == "100000"
            assert 0 < int(fields["x-ratelimit-remaining-tokens"]) < 100000
            assert ";q=2;w=3600" in fields["ratelimit-policy"] and f";r={left};t=" in fields["ratelimit"]
        with pytest.raises(openai.RateLimitError) as caught:
            client.chat.completions.create(**request)
    error = caught.value
    assert error.type == "rate_limit_error" and error.code == "rate_limit_exceeded" and error.request_id
    fields = error.response.headers
    # A request comes free every half an hour.
    assert 1700 < int(fields["retry-after"]) <= 1800
    assert int(fields["retry-after"]) - 1 <= int(fields["retry-after-ms"]) / 1000 <= int(fields["retry-after"])
    assert fields["x-ratelimit-remaining-requests"] == "0"
    assert len(openai_upstream.calls_with(word)) == 2


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize(("status", "seen"), [(500, 502), (503, 503), (504, 504)])
def test_an_upstream_failure_is_a_server_error(throwaway_endpoint, upstream, word, status, seen, streams):
    with throwaway_endpoint.client() as client:
        with pytest.raises(openai.InternalServerError) as caught:
            ask(client, upstream, upstream.fails(status, word), stream=streams)
    assert caught.value.status_code == seen and caught.value.type == "server_error" and caught.value.code


def test_an_answer_that_breaks_off_is_an_error_not_an_end(client, upstream, word):
    received = []
    with pytest.raises(openai.APIError) as caught:
        request = {"model": upstream.breaking_model, "stream": True}
        for chunk in ask(client, upstream, upstream.breaks_off(word), **request):
            received.append(chunk)
    assert received, "the stream had begun before it broke off"
    assert not [chunk for chunk in received if chunk.choices and chunk.choices[0].finish_reason]
    assert caught.value.body["type"] == "server_error" and caught.value.message
    assert word in ask(client, upstream, word).choices[0].message.content, "the gateway goes on"


def test_a_whole_answer_that_breaks_off_is_a_gateway_error(client, upstream, word):
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, upstream, upstream.breaks_off(word), model=upstream.breaking_model)
    assert caught.value.status_code in (502, 503) and caught.value.type == "server_error"
