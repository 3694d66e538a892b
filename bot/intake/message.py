"""One delivery out of its envelopes, and what a source of alarms is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.incident.alarm import Alarm
from bot.intake import fields

SNS_TYPES = frozenset({"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"})


@dataclass(frozen=True)
class Message:
    """What one delivery says. `data` is empty when `text` is not a JSON object; `topic` when it came without an envelope."""

    text: str
    data: Mapping[str, Any] = field(default_factory=dict)
    topic: str = ""
    subject: str = ""


class Source(Protocol):
    """What every module in `SOURCES` has."""

    def recognises(self, message: Message) -> bool: ...

    def parse(self, message: Message) -> Sequence[Alarm]: ...


def is_envelope(data: Mapping[str, Any]) -> bool:
    """Whether this object is what SNS puts around a message (over HTTP, and in SQS without raw delivery)."""
    return fields.text(data.get("Type")) in SNS_TYPES and all(
        isinstance(data.get(key), str) for key in ("MessageId", "TopicArn", "Message")
    )


def unwrap(body: str) -> Message:
    """The message inside an SNS notification, or the body as it is: a bare event, raw delivery, anything.

    The two confirmations stay whole: they are about the feed, and have no message inside.
    """
    text = fields.storable(body)
    data = fields.mapping(fields.load(text))
    if not is_envelope(data) or data["Type"] != "Notification":
        return Message(text, data)
    inner = data["Message"]
    return Message(inner, fields.mapping(fields.load(inner)), data["TopicArn"], fields.text(data.get("Subject")))
