"""Streamed answers."""

from google.genai import types


def test_a_stream_has_pieces_and_one_end(client, upstream, word):
    chunks = list(client.models.generate_content_stream(model=upstream.model, contents=f"Please repeat {word}."))
    assert len(chunks) >= 2 and word in "".join(chunk.text for chunk in chunks)
    reasons = [chunk.candidates[0].finish_reason for chunk in chunks]
    assert reasons[-1] == types.FinishReason.STOP and not any(reasons[:-1])
    assert {(chunk.response_id, chunk.model_version) for chunk in chunks} == {(chunks[0].response_id, upstream.model)}


def test_usage_comes_with_the_last_piece(client, upstream, word):
    *chunks, last = client.models.generate_content_stream(model=upstream.model, contents=word)
    usage = last.usage_metadata
    assert usage.prompt_token_count > 0 and usage.candidates_token_count > 0
    assert all(chunk.usage_metadata is None for chunk in chunks)


def test_a_stream_says_what_a_whole_answer_says(client, tool_upstream, word):
    prompt = f"{word} caf\u00e9 \u4f60\u597d \U0001f468\u200d\U0001f469 \u2028 {{}} data: end"
    whole = client.models.generate_content(model=tool_upstream.model, contents=prompt).text
    stream = client.models.generate_content_stream(model=tool_upstream.model, contents=prompt)
    assert "".join(chunk.text for chunk in stream) == whole and prompt in whole


def test_a_client_serves_again_after_a_stream(client, upstream, word):
    for _ in range(3):
        chunks = list(client.models.generate_content_stream(model=upstream.model, contents=word))
        assert chunks[-1].candidates[0].finish_reason
        assert word in client.models.generate_content(model=upstream.model, contents=word).text
