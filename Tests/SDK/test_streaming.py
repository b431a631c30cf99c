"""Streamed answers."""


def test_a_stream_has_pieces_and_one_end(client, upstream, word):
    request = {"model": upstream.model, "messages": [{"role": "user", "content": f"Please repeat {word}."}]}
    with client.chat.completions.create(**request, stream=True) as stream:
        chunks = list(stream)
    choices = [chunk.choices[0] for chunk in chunks]  # without include_usage, every chunk has its choice
    assert {(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks} == {
        (chunks[0].id, chunks[0].created, chunks[0].model, "chat.completion.chunk")
    }
    assert [choice.delta.role for choice in choices if choice.delta.role] == ["assistant"]
    assert choices[0].delta.role == "assistant"
    pieces = [choice.delta.content for choice in choices if choice.delta.content]
    assert len(pieces) >= 2 and word in "".join(pieces)
    assert [choice.finish_reason for choice in choices if choice.finish_reason] == ["stop"]
    assert choices[-1].finish_reason == "stop"
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_last_when_asked_for(client, upstream, word):
    stream = client.chat.completions.create(
        model=upstream.model,
        messages=[{"role": "user", "content": word}],
        stream=True,
        stream_options={"include_usage": True},
    )
    *chunks, last = stream
    assert last.choices == [] and all(chunk.choices and chunk.usage is None for chunk in chunks)
    assert last.usage.prompt_tokens > 0 and last.usage.completion_tokens > 0
    assert last.usage.total_tokens == last.usage.prompt_tokens + last.usage.completion_tokens


def test_the_stream_helper_puts_the_answer_together(client, upstream, word):
    messages = [{"role": "user", "content": f"Please repeat {word}."}]
    with client.chat.completions.stream(model=upstream.model, messages=messages) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        message = stream.get_final_completion().choices[0].message
    assert message.role == "assistant"
    assert message.content == "".join(pieces) and word in message.content


def test_a_connection_serves_again_after_a_stream(client, upstream, word):
    messages = [{"role": "user", "content": word}]
    for _ in range(3):
        chunks = list(client.chat.completions.create(model=upstream.model, messages=messages, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
        answer = client.chat.completions.create(model=upstream.model, messages=messages)
        assert word in answer.choices[0].message.content


def test_reasoning_stays_out_of_the_text(client, tool_upstream, word):
    messages = [{"role": "user", "content": tool_upstream.thinks(word)}]
    answer = client.chat.completions.create(model=tool_upstream.model, messages=messages)
    message = answer.choices[0].message
    assert message.reasoning_content and message.reasoning_content not in message.content
    chunks = list(client.chat.completions.create(model=tool_upstream.model, messages=messages, stream=True))
    deltas = [chunk.choices[0].delta for chunk in chunks]
    thoughts = [getattr(delta, "reasoning_content", None) or "" for delta in deltas]
    assert "".join(thoughts) == message.reasoning_content
