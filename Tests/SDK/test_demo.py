"""`pollux serve --demo`, as somebody tries it first: each command that it prints is pasted into a shell."""

import json
import re
import subprocess
import time

import pytest
from programs import Program

COMMANDS = [
    "OpenAI format: an answer",
    "OpenAI format: a stream",
    "OpenAI format: every model",
    "Gemini format: an answer",
    "Gemini format: a stream",
    "Gemini format: every model",
    "Admin API: every account and its state",
    "Command line: every account and its state",
    "Command line: where a request would go, and why",
    "Command line: a key with limits, shown once",
    "Command line: who has used what",
]


class Demo(Program):
    """The demo and what it prints, until `Stop with Ctrl-C`."""

    def __init__(self):
        super().__init__("serve", "--demo", "--listen", "127.0.0.1:0")
        self.welcome = self.wait_for(lambda lines: lines if "Stop with Ctrl-C." in lines else None)
        titles = [(number, line[4:]) for number, line in enumerate(self.welcome) if line.startswith("  # ")]
        self.commands = {title: self.welcome[number + 1].strip() for number, title in titles}


@pytest.fixture(scope="module")
def demo():
    demo = Demo()
    yield demo
    demo.stop()


def paste(command: str) -> str:
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def events(text: str) -> list[str]:
    return [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: ")]


def test_it_prints_these_commands_and_no_other(demo):
    assert list(demo.commands) == COMMANDS


def test_whole_answers(demo):
    answer = json.loads(paste(demo.commands["OpenAI format: an answer"]))
    assert answer["choices"][0]["message"]["content"].endswith("Say hello to Pollux")
    answer = json.loads(paste(demo.commands["Gemini format: an answer"]))
    assert answer["candidates"][0]["content"]["parts"][0]["text"].endswith("Say hello to Pollux")


def test_streams(demo):
    *chunks, end = events(paste(demo.commands["OpenAI format: a stream"]))
    assert end == "[DONE]"
    deltas = [json.loads(chunk)["choices"][0]["delta"].get("content", "") for chunk in chunks]
    assert "".join(deltas).endswith("Say hello to Pollux")
    pieces = [json.loads(event) for event in events(paste(demo.commands["Gemini format: a stream"]))]
    texts = [part.get("text", "") for piece in pieces for part in piece["candidates"][0]["content"].get("parts", [])]
    assert "".join(texts).endswith("Say hello to Pollux")
    assert pieces[-1]["candidates"][0]["finishReason"] == "STOP"


def test_models(demo):
    openai = {model["id"] for model in json.loads(paste(demo.commands["OpenAI format: every model"]))["data"]}
    gemini = json.loads(paste(demo.commands["Gemini format: every model"]))["models"]
    named = {line.split()[1] for line in demo.welcome if line.startswith("  model ")}
    assert len(named) == 3 and named <= openai
    assert named <= {model["name"].removeprefix("models/") for model in gemini}


def test_accounts(demo):
    accounts = json.loads(paste(demo.commands["Admin API: every account and its state"]))["items"]
    assert len(accounts) >= 3 and {account["state"]["code"] for account in accounts} == {"ready"}


def test_command_line(demo):
    assert paste(demo.commands["Command line: every account and its state"]).count(" ready ") >= 3
    assert " goes to business/" in paste(demo.commands["Command line: where a request would go, and why"])
    done = subprocess.run(
        ["bash", "-c", demo.commands["Command line: a key with limits, shown once"]], capture_output=True, text=True
    )
    key = done.stdout.strip()
    assert done.returncode == 0 and key.startswith("plx_") and "shown this once" in done.stderr
    with_key = re.sub(r"Bearer \S+'", f"Bearer {key}'", demo.commands["OpenAI format: an answer"])
    assert json.loads(paste(with_key))["choices"]
    # What was used is counted when the answer has ended, a moment after its last byte.
    deadline = time.monotonic() + 20
    while "trial" not in (usage := paste(demo.commands["Command line: who has used what"])):
        assert time.monotonic() < deadline, usage
