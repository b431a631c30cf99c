"""The asynchronous client, and clients that go away."""

import anyio
import openai
import pytest

from programs import eventually

pytestmark = pytest.mark.anyio


def was_cut(upstream, word):
    def the_upstream_saw_the_client_go():
        return [entry for entry in upstream.calls_with(word) if entry["ended"] == "cut-by-client"]

    return the_upstream_saw_the_client_go


async def test_many_requests_at_once_get_their_own_answers(endpoint, upstream, word):
    answers = {}

    async with endpoint.async_client() as client:

        async def ask(number: int):
            messages = [{"role": "user", "content": f"Please repeat {word}n{number}n."}]
            answer = await client.chat.completions.create(model=upstream.model, messages=messages)
            answers[number] = answer.choices[0].message.content

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(ask, number)
    assert len(answers) == 6 and all(f"{word}n{number}n" in text for number, text in answers.items())


async def test_a_stream_arrives(endpoint, upstream, word):
    async with endpoint.async_client() as client:
        messages = [{"role": "user", "content": word}]
        stream = await client.chat.completions.create(model=upstream.model, messages=messages, stream=True)
        chunks = [chunk async for chunk in stream]
    assert word in "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


async def test_an_error_is_raised(endpoint, upstream, word):
    async with endpoint.async_client() as client:
        messages = [{"role": "user", "content": upstream.breaks_off(word)}]
        with pytest.raises(openai.APIError):
            async for _ in await client.chat.completions.create(
                model=upstream.breaking_model, messages=messages, stream=True
            ):
                pass


async def test_cancelling_the_reader_ends_the_upstream_call(endpoint, upstream, word):
    async with endpoint.async_client() as client:
        messages = [{"role": "user", "content": upstream.slowly(word)}]
        async with anyio.create_task_group() as group:

            async def read(began: anyio.Event):
                stream = await client.chat.completions.create(model=upstream.model, messages=messages, stream=True)
                async for _ in stream:
                    began.set()

            began = anyio.Event()
            group.start_soon(read, began)
            with anyio.fail_after(10):
                await began.wait()
            group.cancel_scope.cancel()
        await anyio.to_thread.run_sync(eventually, was_cut(upstream, word), 1)


def test_closing_the_stream_ends_the_upstream_call(client, upstream, word):
    messages = [{"role": "user", "content": upstream.slowly(word)}]
    stream = client.chat.completions.create(model=upstream.model, messages=messages, stream=True)
    next(iter(stream))
    stream.close()
    eventually(was_cut(upstream, word), 1)


async def test_giving_up_on_a_whole_answer_ends_the_upstream_call(endpoint, upstream, word):
    async with endpoint.async_client() as client:
        messages = [{"role": "user", "content": upstream.slowly(word)}]
        with anyio.move_on_after(1.5) as scope:
            await client.chat.completions.create(model=upstream.model, messages=messages)
        assert scope.cancelled_caught, "the answer came before the client gave up"
        await anyio.to_thread.run_sync(eventually, was_cut(upstream, word), 1)
