"""Which deliveries are one alarm, and what a delivery means for it. Decisions only."""

from datetime import datetime, timedelta
from enum import Enum
from fnmatch import fnmatchcase

from pydantic import BaseModel, ConfigDict

from bot.config import Config, Match
from bot.incident.alarm import Alarm, State

#: An acknowledged incident whose alarm comes back is told to its owner again, but not more often than this.
TELL_AGAIN_AFTER = timedelta(minutes=10)


class AlarmRecord(BaseModel):
    """What is known of one alarm (one fingerprint). `count` is how often it was raised in its incident."""

    model_config = ConfigDict(frozen=True)

    fingerprint: str
    incident: str | None = None
    state: State
    count: int = 0
    first_at: datetime
    last_at: datetime
    changed_at: datetime | None = None
    cleared_at: datetime | None = None
    latest: Alarm


class News(Enum):
    """What a delivery changed."""

    RAISED = "raised"  #: in alarm now, and was not
    REPEATED = "repeated"  #: still in alarm: only the count changes
    RETURNED = "returned"  #: had cleared, or must have, and is in alarm again
    CLEARED = "cleared"  #: no longer in alarm
    NOTHING = "nothing"  #: late, or a state that means nothing to an incident


def apply(record: AlarmRecord | None, alarm: Alarm, at: datetime) -> tuple[AlarmRecord, News]:
    """The record after a delivery, and what it changed.

    SQS delivers out of order, so `changed_at` decides: an older state change never overwrites a newer one, but an
    alarm that is older than the OK that overtook it is still counted, and is still an alarm that somebody must see.
    """
    if record is None:
        fresh = AlarmRecord(
            fingerprint=alarm.fingerprint, state=alarm.state, count=int(alarm.state == "alarm"), first_at=at, last_at=at,
            changed_at=alarm.changed_at, latest=alarm,
        )  # fmt: skip
        return fresh, News.RAISED if alarm.state == "alarm" else News.NOTHING
    counted = record.model_copy(update={"last_at": at, "count": record.count + int(alarm.state == "alarm")})
    if _is_late(record, alarm):
        return counted, News.REPEATED if alarm.state == "alarm" else News.NOTHING
    changed = counted.model_copy(
        update={
            "state": alarm.state,
            "changed_at": alarm.changed_at or record.changed_at,
            "latest": alarm if alarm.state == "alarm" else record.latest,
            "cleared_at": None if alarm.state == "alarm" else at if alarm.state == "ok" else record.cleared_at,
        }
    )
    returned = record.cleared_at is not None or _went_off_anew(record, alarm)
    return changed, _news(record.state, alarm.state, returned=returned)


def _is_late(record: AlarmRecord, alarm: Alarm) -> bool:
    return bool(record.changed_at and alarm.changed_at and alarm.changed_at < record.changed_at)


def _went_off_anew(record: AlarmRecord, alarm: Alarm) -> bool:
    """A change of state so much newer than the last one is another alarm: many are set up to tell nobody of their OK."""
    return bool(record.changed_at and alarm.changed_at and alarm.changed_at - record.changed_at >= TELL_AGAIN_AFTER)


def _news(before: State, after: State, *, returned: bool) -> News:
    if after == "alarm":
        if returned:
            return News.RETURNED
        return News.REPEATED if before == "alarm" else News.RAISED
    return News.CLEARED if after == "ok" and before == "alarm" else News.NOTHING


def service_of(config: Config, alarm: Alarm) -> str | None:
    """The first service of lifeboat.yaml that the alarm fits, None when none does."""
    return next(
        (name for name, service in config.services.items() if any(_fits(m, alarm) for m in service.match)), None
    )


def _fits(match: Match, alarm: Alarm) -> bool:
    return (
        (match.alarm is None or fnmatchcase(alarm.name, match.alarm))
        and (match.namespace is None or fnmatchcase(alarm.namespace, match.namespace))
        and all(fnmatchcase(alarm.dimensions.get(name, ""), value) for name, value in match.dimensions.items())
    )
