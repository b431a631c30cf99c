"""Whole answers."""


def test_an_answer_has_text_an_end_and_usage(client, upstream, word):
    answer = client.chat.completions.create(
        model=upstream.model, messages=[{"role": "user", "content": f"Please repeat {word}."}]
    )
    [choice] = answer.choices
    assert answer.object == "chat.completion" and answer.id and answer.created > 0 and answer.model
    assert answer._request_id
    assert choice.message.role == "assistant" and word in choice.message.content
    assert choice.finish_reason == "stop"
    usage = answer.usage
    assert usage.prompt_tokens > 0 and usage.completion_tokens > 0
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_the_upstream_is_asked_once(client, upstream, word):
    client.chat.completions.create(model=upstream.model, messages=[{"role": "user", "content": word}])
    assert len(upstream.calls_with(word)) == 1


def test_a_conversation_reaches_the_upstream_whole(client, upstream, word):
    system, first, last = f"{word}system", f"{word}first", f"{word}last"
    messages = [{"role": "system", "content": f"Always answer in one line. {system}"}]
    messages += [{"role": "user", "content": f"My name is {first}."}]
    opening = client.chat.completions.create(model=upstream.model, messages=messages)
    # The answer goes back just as the SDK gave it, vendor fields and all.
    messages += [opening.choices[0].message]
    messages += [{"role": "user", "content": f"And now {last}?"}]
    answer = client.chat.completions.create(model=upstream.model, messages=messages)
    assert last in answer.choices[0].message.content
    seen = str([entry["body"] for entry in upstream.calls_with(word)])
    assert all(part in seen for part in (system, first, last))


def test_content_may_come_in_parts(client, upstream, word):
    parts = [{"type": "text", "text": f"Please repeat {word}one"}, {"type": "text", "text": f" and {word}two."}]
    answer = client.chat.completions.create(model=upstream.model, messages=[{"role": "user", "content": parts}])
    assert f"{word}two" in answer.choices[0].message.content
    heard = upstream.conversation_at(word)
    assert heard.index(f"{word}one") < heard.index(f"{word}two")
