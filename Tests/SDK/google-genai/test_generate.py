"""Whole answers and chats."""

from google.genai import types


def test_an_answer_has_text_a_reason_and_usage(client, upstream, word):
    answer = client.models.generate_content(model=upstream.model, contents=f"Please repeat {word}.")
    assert word in answer.text
    [candidate] = answer.candidates
    assert candidate.finish_reason == types.FinishReason.STOP and candidate.content.role == "model"
    usage = answer.usage_metadata
    assert usage.prompt_token_count > 0 and usage.candidates_token_count > 0
    thoughts = usage.thoughts_token_count or 0
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count + thoughts
    assert answer.model_version == upstream.model and answer.response_id


def test_the_upstream_sees_the_whole_conversation(client, upstream, word):
    contents = [
        types.UserContent(f"My name is {word}first."),
        types.ModelContent(f"Hello {word}answer."),
        types.UserContent(["And now in two parts:", f"what is {word}last?"]),
    ]
    config = types.GenerateContentConfig(
        system_instruction=f"Be brief, {word}system.", temperature=0.5, top_k=40, max_output_tokens=500
    )
    answer = client.models.generate_content(model=upstream.model, contents=contents, config=config)
    assert f"{word}last" in answer.text
    seen = str([entry["body"] for entry in upstream.calls_with(word)])
    assert all(word + part in seen for part in ("first", "answer", "last", "system"))


def test_a_chat_remembers_what_was_said(client, upstream, word):
    chat = client.chats.create(model=upstream.model)
    assert word + "one" in chat.send_message(f"Remember {word}one.").text
    assert word + "two" in chat.send_message(f"Now {word}two.").text
    assert [content.role for content in chat.get_history(curated=True)] == ["user", "model", "user", "model"]
    last = upstream.conversation_at(word + "two")
    assert word + "one" in last


def test_a_streamed_chat_remembers_its_answers_in_one_piece(client, upstream, word):
    chat = client.chats.create(model=upstream.model)
    first = "".join(chunk.text for chunk in chat.send_message_stream(f"Remember {word}one, please do."))
    assert word + "one" in first
    # The SDK forgets a turn if any of its pieces is empty.
    kept = [part.text for content in chat.get_history(curated=True)[1:] for part in content.parts]
    assert "".join(kept) == first and len(kept) > 1
    second = "".join(chunk.text for chunk in chat.send_message_stream(f"Now {word}two."))
    assert word + "two" in second
    last = upstream.conversation_at(word + "two")
    assert f"Remember {word}one, please do." in last
    # Many pieces of one answer reached the upstream as one text, or were recognised as the chat's answer.
    assert upstream.goes_on_in(second) or last.count(word + "one") >= 2


def test_thoughts_come_only_when_asked_for(client, tool_upstream, word):
    def ask(**config):
        config = types.GenerateContentConfig(thinking_config=types.ThinkingConfig(**config))
        question = tool_upstream.thinks(word)
        answer = client.models.generate_content(model=tool_upstream.model, contents=question, config=config)
        parts = answer.candidates[0].content.parts
        return answer, [part.text for part in parts if part.thought]

    shown, thoughts = ask(include_thoughts=True, thinking_budget=100)
    assert thoughts and thoughts[0] not in shown.text
    hidden, none = ask(thinking_budget=0)
    assert not none and hidden.text == shown.text


def test_a_schema_reaches_the_upstream_as_json_schema(client, openai_upstream, word):
    schema = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=schema)
    client.models.generate_content(model=openai_upstream.model, contents=f"Where? {word}", config=config)
    [entry] = openai_upstream.calls_with(word)
    sent = entry["body"]["response_format"]["json_schema"]["schema"]
    assert sent["properties"] == {"city": {"type": "string"}} and sent["type"] == "object"
