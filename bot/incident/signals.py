"""Which alarms that are on are signals of their own, and since when. Pure.

Two alarms are one signal when they are told apart by nothing that could fail apart:

- they have the same fingerprint, or watch the same metric of the same dimensions (whatever the statistic or threshold);
- one is a composite alarm and the other is named in its rule or among the children that set it off. A composite whose
  child is on says nothing new; of composites that share a child, whose children are silent, one counts.

Of a metric-math alarm we know its first metric only, and of a composite of composites the level below: what lies deeper
is not seen. A suppressed alarm is none at all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.incident.alarm import Alarm
from bot.incident.correlate import AlarmRecord

#: What an alarm stands on. Alarms that have one of these in common are not independent.
Root = tuple[Any, ...]

#: An alarm in a composite's rule: `ALARM(name)`, `ALARM("a name")`, `NOT OK(arn:…)`.
#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutCompositeAlarm.html
_IN_RULE = re.compile(r"\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"([^\"]+)\"|'([^']+)'|([^()\"'\s]+))\s*\)")


class Subject(Protocol):
    """What an alarm is about; an `Alarm`, or what a run has kept of one."""

    @property
    def account(self) -> str: ...

    @property
    def region(self) -> str: ...

    @property
    def resource(self) -> str | None: ...

    @property
    def dimensions(self) -> Mapping[str, str]: ...


def about_one_thing(one: Subject, other: Subject) -> bool:
    """Whether two alarms without a service are about the same resource: all that one is about, the other is about too."""
    places = {(alarm.account, alarm.region, alarm.resource) for alarm in (one, other)}
    if len(places) > 1 or not one.resource or not one.dimensions or not other.dimensions:
        return False
    ours, theirs = set(one.dimensions.items()), set(other.dimensions.items())
    return ours <= theirs or theirs <= ours


def since(record: AlarmRecord) -> datetime:
    """From when the alarm is on without a break, as far as we can know.

    Its own word, but not before we had heard of it: what was late may be over already. A source that does not say when is
    believed from its latest delivery on.
    """
    return max(record.first_at, record.changed_at or record.last_at)


def independent(records: Sequence[AlarmRecord]) -> list[AlarmRecord]:
    """The alarms that are signals of their own, the oldest of each kind first. It may count too few, never too many."""
    on = [record for record in records if record.state == "alarm" and not record.latest.suppressed_by]
    names = {_name_of(record.latest) for record in on}
    speaking = [record for record in on if not names.intersection(_parts(record.latest))]
    found: list[AlarmRecord] = []
    taken: set[Root] = set()
    for record in sorted(speaking, key=lambda record: (since(record), record.fingerprint)):
        roots = set(_roots(record.latest))
        if not roots & taken:
            taken |= roots
            found.append(record)
    return found


def agreed_at(records: Sequence[AlarmRecord], signals: int, steady_for: timedelta) -> datetime | None:
    """From when so many independent alarms have each been on for so long; None: there are not so many."""
    found = independent(records)
    return since(found[signals - 1]) + steady_for if len(found) >= signals else None


def _roots(alarm: Alarm) -> Iterator[Root]:
    yield _name_of(alarm)
    yield from _parts(alarm)
    if alarm.metric:
        measured = (alarm.namespace, alarm.metric, frozenset(alarm.dimensions.items()))
        yield ("metric", alarm.account, alarm.region, *measured)


def _parts(alarm: Alarm) -> Iterator[Root]:
    """The alarms that a composite alarm is made of."""
    for child in alarm.children:
        yield _name(child, alarm)
    for found in _IN_RULE.finditer(str(alarm.detail.get("rule", ""))):
        yield _name(next(filter(None, found.groups())), alarm)


def _name_of(alarm: Alarm) -> Root:
    return _name(alarm.arn or alarm.name, alarm)


def _name(written: str, alarm: Alarm) -> Root:
    """One name for one alarm; composites know only alarms of their own account and region by a bare name."""
    if written.startswith("arn:") and ":alarm:" in written:
        place, name = written.split(":alarm:", 1)
        region, account = place.split(":")[3:5]
        return ("alarm", account, region, name)
    return ("alarm", alarm.account, alarm.region, written)
