"""The model list."""

import pytest
from google.genai import errors


def test_the_list_names_each_model_once(client, upstream):
    models = list(client.models.list())
    names = [model.name for model in models]
    assert len(names) == len(set(names)) and all(name.startswith("models/") for name in names)
    # A client may use the name with its provider or, where one provider offers it, without.
    known = {f"models/{upstream.model}", f"models/{upstream.model.partition('/')[2]}"}
    assert known & set(names)
    chosen = next(model for model in models if model.name in known)
    assert {"generateContent", "countTokens"} <= set(chosen.supported_actions)


def test_every_version_below_the_prefix_serves_all(prefixed_client, upstream, word):
    assert len(list(prefixed_client.models.list())) > 1
    models = prefixed_client.models
    assert word in models.generate_content(model=upstream.model, contents=word).text
    chunks = models.generate_content_stream(model=upstream.model, contents=word)
    assert word in "".join(chunk.text for chunk in chunks)
    assert models.count_tokens(model=upstream.model, contents=word).total_tokens > 0


def test_small_pages_lead_to_the_same_list(client):
    whole = [model.name for model in client.models.list()]
    pager = client.models.list(config={"page_size": 1})
    assert len(pager) == 1
    assert [model.name for model in pager] == whole and len(whole) > 1


def test_every_listed_model_can_be_retrieved(client):
    for model in client.models.list():
        assert client.models.get(model=model.name).name == model.name


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(errors.ClientError) as caught:
        client.models.get(model="no-such-model")
    assert caught.value.code == 404 and caught.value.status == "NOT_FOUND"


def test_tokens_are_counted_and_grow(client, upstream):
    short = client.models.count_tokens(model=upstream.model, contents="hello")
    long = client.models.count_tokens(model=upstream.model, contents=["hello " * 50, "and more"])
    assert 0 < short.total_tokens < long.total_tokens
