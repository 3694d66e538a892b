"""Whatever nobody else recognises. It is never dropped: somebody thought it worth sending."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import N_, phrase
from bot.incident.alarm import Alarm
from bot.intake import fields
from bot.intake.message import Message

#: Ids, times and counters: two messages that differ only in these are the same alarm again.
_VARYING = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{13,27}|\b[0-9a-f]*\d[0-9a-f]*\b|\d+", re.ASCII | re.IGNORECASE)
_SECRET = frozenset({"token", "subscribeurl", "unsubscribeurl", "signature"})
_NAME_KEYS = ("title", "name", "alarmName", "AlarmName", "subject", "summary")
_NAME_LENGTH = 120


def recognises(_: Message) -> bool:
    return True


def parse(message: Message) -> Sequence[Alarm]:
    shown = _without_secrets(message.data)
    reason = json.dumps(shown, ensure_ascii=False, default=str) if message.data else message.text
    parts = fields.arn(message.topic)
    note = phrase(N_("A message that Lifeboat has no reader for. What it says is shown as it came."))
    alarm = Alarm(
        kind="generic",
        fingerprint=fields.fingerprint(parts.account, parts.region, "generic", message.topic, _shape(message)),
        name=_name(message.subject, shown, reason),
        state="alarm",
        reason=reason,
        note=note,
        account=parts.account,
        region=parts.region,
        detail=shown,
    )
    return (alarm,)


def _without_secrets(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _without_secrets(one) for key, one in value.items() if key.lower() not in _SECRET}
        case list():
            return [_without_secrets(one) for one in value]
        case _:
            return value


def _shape(message: Message) -> str:
    """A hash of the subject, or of the text when there is none, that does not see what varies from one to the next."""
    said = message.subject or message.text
    return hashlib.sha256(_VARYING.sub("#", said).encode()).hexdigest()[:32]


def _name(subject: str, shown: Mapping[str, Any], reason: str) -> str:
    named = (value for key in _NAME_KEYS if isinstance(value := shown.get(key), str) and value.strip())
    line = subject or next(named, "") or reason.strip().partition("\n")[0]
    return " ".join(line.split())[:_NAME_LENGTH]
