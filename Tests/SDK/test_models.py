"""The model list."""

import openai
import pytest


def test_the_list_names_each_model_once(client, upstream):
    models = list(client.models.list())
    ids = [model.id for model in models]
    assert len(ids) == len(set(ids))
    assert all(model.object == "model" and isinstance(model.created, int) and model.owned_by for model in models)
    # A client may use the name with its provider or, where one provider offers it, without.
    assert {upstream.model, upstream.model.partition("/")[2]} & set(ids)


def test_every_listed_model_can_be_retrieved(client):
    for model in client.models.list():
        assert client.models.retrieve(model.id).id == model.id


def test_an_unknown_model_is_not_found(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("no-such-model")
    assert caught.value.code == "model_not_found"
