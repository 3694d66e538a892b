"""Where alarms come in: `understand` reads what a door took; the doors are `sns`, `sqs` and `sweep`."""

from collections.abc import Mapping, Sequence

import structlog

from bot.incident.alarm import Alarm
from bot.intake import (
    alarm_event,
    arc,
    backup,
    cloudwatch,
    described,
    ecs,
    event,
    feed,
    fields,
    generic,
    health,
)
from bot.intake.message import Message, Source, unwrap

log = structlog.get_logger(__name__)

#: Asked in this order; the first that recognises a message reads it. A new source is one module and one line here.
SOURCES: Mapping[str, Source] = {
    "feed": feed,
    "alarm_event": alarm_event,
    "health": health,
    "backup": backup,
    "arc": arc,
    "ecs": ecs,
    "event": event,
    "cloudwatch": cloudwatch,
    "described": described,
    "generic": generic,
}


def understand(body: str) -> Sequence[Alarm]:
    """The alarms in what a door took, at least one for any text; none only for SNS's own request to confirm.

    Never raises: a payload that its source misreads is logged and becomes a generic alarm.
    """
    message = unwrap(body)
    try:
        alarms = _source(message).parse(message)
    except Exception:
        log.exception("alarm_misread", topic=message.topic, size=len(body))
        alarms = generic.parse(message)
    return tuple(_fitted(alarm) for alarm in alarms)


def _source(message: Message) -> Source:
    return next(source for source in SOURCES.values() if source.recognises(message))


def _fitted(alarm: Alarm) -> Alarm:
    """The alarm cut to what a person reads and a database row holds; the whole message stays in the inbox."""
    shorter = {
        "name": fields.brief(alarm.name, 300) or alarm.kind,
        "reason": fields.brief(alarm.reason, 4_000),
        "description": fields.brief(alarm.description),
        "dimensions": fields.brief(alarm.dimensions, 1_000),
        "readings": alarm.readings[:100],
        "children": tuple(fields.brief(alarm.children, 1_600)),
        "detail": fields.brief(alarm.detail),
    }
    return alarm.model_copy(update=shorter)
