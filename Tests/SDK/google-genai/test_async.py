"""The asynchronous client, and clients that go away."""

import anyio
import pytest
from conftest import is_what_a_cut_raises

from programs import eventually

pytestmark = pytest.mark.anyio


def was_cut(upstream, word):
    def the_upstream_saw_the_client_go():
        return [entry for entry in upstream.calls_with(word) if entry["ended"] == "cut-by-client"]

    return the_upstream_saw_the_client_go


async def test_many_requests_at_once_get_their_own_answers(endpoint, upstream, word):
    client = endpoint.client()
    answers = {}

    async def ask(number: int):
        prompt = f"Please repeat {word}n{number}n."
        answers[number] = (await client.aio.models.generate_content(model=upstream.model, contents=prompt)).text

    async with anyio.create_task_group() as group:
        for number in range(6):
            group.start_soon(ask, number)
    assert len(answers) == 6 and all(f"{word}n{number}n" in text for number, text in answers.items())


async def test_a_stream_arrives(endpoint, upstream, word):
    # The SDK closes a client's connections once nobody holds it.
    client = endpoint.client()
    stream = await client.aio.models.generate_content_stream(model=upstream.model, contents=word)
    chunks = [chunk async for chunk in stream]
    assert word in "".join(chunk.text for chunk in chunks)
    assert chunks[-1].candidates[0].finish_reason


async def test_an_error_is_raised(endpoint, upstream, word):
    client = endpoint.client()
    model, prompt = upstream.breaking_model, upstream.breaks_off(word)
    with pytest.raises(Exception) as caught:
        async for _ in await client.aio.models.generate_content_stream(model=model, contents=prompt):
            pass
    assert is_what_a_cut_raises(caught.value)


async def test_cancelling_the_reader_ends_the_upstream_call(endpoint, upstream, word):
    client = endpoint.client()
    async with anyio.create_task_group() as group:

        async def read(began: anyio.Event):
            async for _ in await client.aio.models.generate_content_stream(
                model=upstream.model, contents=upstream.slowly(word)
            ):
                began.set()

        began = anyio.Event()
        group.start_soon(read, began)
        with anyio.fail_after(10):
            await began.wait()
        group.cancel_scope.cancel()
    await anyio.to_thread.run_sync(eventually, was_cut(upstream, word), 2)


def test_closing_the_stream_ends_the_upstream_call(endpoint, upstream, word):
    client = endpoint.client()
    stream = client.models.generate_content_stream(model=upstream.model, contents=upstream.slowly(word))
    next(stream)
    stream.close()
    eventually(was_cut(upstream, word), 2)


async def test_giving_up_on_a_whole_answer_ends_the_upstream_call(endpoint, upstream, word):
    client = endpoint.client()
    with anyio.move_on_after(1.5) as scope:
        await client.aio.models.generate_content(model=upstream.model, contents=upstream.slowly(word))
    assert scope.cancelled_caught, "the answer came before the client gave up"
    await anyio.to_thread.run_sync(eventually, was_cut(upstream, word), 2)
