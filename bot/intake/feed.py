"""Messages about the alarm feed itself: somebody removed our subscription, or one waits to be confirmed."""

from collections.abc import Sequence

import structlog

from bot.errors import N_, phrase
from bot.incident.alarm import Alarm
from bot.intake import fields
from bot.intake.message import Message, is_envelope

log = structlog.get_logger(__name__)


def recognises(message: Message) -> bool:
    """Only outside of any envelope: what somebody publishes to a topic must not pass for SNS's own word."""
    return not message.topic and is_envelope(message.data)


def parse(message: Message) -> Sequence[Alarm]:
    """A removed feed is an alarm. A confirmation is none: only the HTTP door answers it, after checking its signature."""
    topic = message.data["TopicArn"]
    if message.data["Type"] == "SubscriptionConfirmation":
        log.warning("subscription_confirmation_ignored", topic=topic)
        return ()
    parts = fields.arn(topic)
    note = phrase(
        N_(
            "Somebody removed Lifeboat's subscription to {topic}: alarms sent there no longer arrive here. "
            "Subscribe it again, and find out who removed it."
        ),
        topic=topic,
    )
    alarm = Alarm(
        kind="feed",
        fingerprint=fields.fingerprint(parts.account, parts.region, "feed", topic),
        name=parts.resource or topic,
        state="alarm",
        reason=str(note),
        note=note,
        account=parts.account,
        region=parts.region,
        arn=topic,
        changed_at=fields.moment(message.data.get("Timestamp")),
        resource="sns",
    )
    return (alarm,)
