"""Local times of a zone as instants. The one rule for clocks that change, used wherever a person writes a local time:

A local time means the first instant at which the clock shows it or a later one. So a time that the clock skips (02:30 in
spring) means the instant at which it skips, and one that comes twice (01:30 in autumn) the first of the two.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant, in UTC, that a local time means by the rule above; a time that carries an offset means itself."""
    if local.tzinfo:
        return local.astimezone(UTC)
    meant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if meant.astimezone(zone).replace(tzinfo=None) == local:
        return meant
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), meant
    old = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:  # zoneinfo does not tell when a clock skips, so it is searched for
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def utc(at: datetime) -> datetime:
    """The same instant in UTC. Raises ValueError for a time that has no zone and so is no instant."""
    if at.tzinfo is None:
        message = f"{at} has no time zone: pass an instant, such as datetime.now(UTC)."
        raise ValueError(message)
    return at.astimezone(UTC)
