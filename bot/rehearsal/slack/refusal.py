"""How Slack says no."""

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    """`{"ok": false, "error": code}`, with Slack's explanations under `response_metadata.messages`.

    An answer of the protocol, not an error of ours: its words are Slack's own and are never translated.
    """

    def __init__(self, code: str, messages: Sequence[str] = (), **more: Any) -> None:
        super().__init__(code, *messages)
        self.code, self.messages, self.more = code, tuple(messages), more

    def as_json(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"ok": False, "error": self.code, **self.more}
        if self.messages:
            answer["response_metadata"] = {"messages": list(self.messages)}
        return answer
