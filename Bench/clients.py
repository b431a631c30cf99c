"""Clients of a gateway under trial: real sockets, whole answers judged to their last byte."""

import http.client
import json
import threading
import time
from dataclasses import dataclass, field

COMPLETIONS = "/v1/chat/completions"


@dataclass
class Outcome:
    """What one request came to."""

    status: int  # 0: no answer at all
    code: str = ""  # the error's code, whether it came as a status or inside the stream
    is_whole: bool = False  # a proper answer with a proper end
    has_begun: bool = False  # content came before whatever ended it
    attempts: int = 0  # how often an upstream had been asked when the answer began, as the gateway says
    seconds: float = 0.0

    @property
    def name(self) -> str:
        if self.is_whole:
            return "ok"
        where = "after" if self.has_begun else "before"
        return f"{where} {self.status} {self.code or 'no answer'}"


@dataclass
class Client:
    """One client with one connection that is kept alive, as SDKs do it."""

    port: int
    key: str
    model: str
    connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def ask(self, text: str, stream: bool, leave_after: int | None = None) -> Outcome:
        """Asks once. `leave_after`: hangs up after so many events of the stream."""
        started = time.monotonic()
        body = json.dumps({"model": self.model, "stream": stream, "messages": [{"role": "user", "content": text}]})
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        try:
            answer = self._send(body, headers)
            outcome = self._read_stream(answer, leave_after) if stream else self._read_whole(answer)
            outcome.attempts = int(answer.getheader("x-pollux-attempts", "0"))
        except (OSError, http.client.HTTPException) as error:
            self.close()
            outcome = Outcome(0, type(error).__name__)
        outcome.seconds = time.monotonic() - started
        return outcome

    def _send(self, body: str, headers: dict) -> http.client.HTTPResponse:
        for attempt in (1, 2):
            fresh = self.connection is None
            if fresh:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self.connection.request("POST", COMPLETIONS, body, headers)
                return self.connection.getresponse()
            except (http.client.RemoteDisconnected, ConnectionError):
                # The server may end an idle connection at any time; only a fresh one that fails is a failure.
                self.close()
                if fresh or attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _read_whole(self, answer: http.client.HTTPResponse) -> Outcome:
        text = answer.read()
        data = json.loads(text)
        if answer.status != 200:
            return Outcome(answer.status, data.get("error", {}).get("code") or "")
        content = data["choices"][0]["message"]["content"]
        return Outcome(200, is_whole=bool(content) and data["choices"][0]["finish_reason"] == "stop")

    def _read_stream(self, answer: http.client.HTTPResponse, leave_after: int | None) -> Outcome:
        if answer.status != 200:
            return self._read_whole(answer)
        outcome = Outcome(200)
        events = 0
        try:
            for line in answer:
                if not line.startswith(b"data:"):
                    continue
                data = line[5:].strip()
                if data == b"[DONE]":
                    outcome.is_whole = outcome.has_begun and not outcome.code
                    continue
                events += 1
                self._note(json.loads(data), outcome)
                if leave_after is not None and events >= leave_after:
                    self.close()
                    outcome.code = "left"
                    return outcome
        except (http.client.IncompleteRead, ConnectionError) as error:
            self.close()
            outcome.code = outcome.code or type(error).__name__
        return outcome

    @staticmethod
    def _note(event: dict, outcome: Outcome):
        if "error" in event:
            outcome.code = event["error"].get("code") or "error"
        elif any(choice.get("delta", {}).get("content") for choice in event.get("choices", [])):
            outcome.has_begun = True

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Crowd:
    """So many clients that ask in parallel until their time is over."""

    def __init__(self, size: int, make_client, work):
        """`work(client, number) -> Outcome` is one request; `number` counts a client's requests."""
        self.size, self.make_client, self.work = size, make_client, work
        self.outcomes: dict[str, int] = {}
        self.attempts = 0
        self.slowest = 0.0
        self.lock = threading.Lock()

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())

    def run(self, seconds: float):
        until = time.monotonic() + seconds
        threads = [threading.Thread(target=self._live, args=(until,), daemon=True) for _ in range(self.size)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _live(self, until: float):
        client = self.make_client()
        number = 0
        while time.monotonic() < until:
            number += 1
            outcome = self.work(client, number)
            with self.lock:
                self.outcomes[outcome.name] = self.outcomes.get(outcome.name, 0) + 1
                self.attempts += outcome.attempts
                self.slowest = max(self.slowest, outcome.seconds)
        client.close()
