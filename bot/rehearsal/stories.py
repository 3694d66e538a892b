"""What each shipped playbook is rehearsed against, when nobody says otherwise: what breaks, what it is told, and what went before.

A playbook that goes back needs something to come back from: its story begins with the failover, or the evacuation.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.errors import N_, Refused, phrase
from bot.rehearsal.breakages import parse
from bot.rehearsal.estate.names import CLUSTER, HOME, ORDERS, WEB
from bot.rehearsal.rehearsal import Rehearsal

#: How long everything has been well before somebody thinks of going back, beyond what playbooks ask for.
_WELL = timedelta(minutes=61)


@dataclass(frozen=True)
class Story:
    """`before` plays what the playbook comes after; what is measured begins after it, and `then` this breaks besides."""

    breaks: Sequence[str] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[Rehearsal], Awaitable[None]] | None = None
    then: Sequence[str] = ()


async def _home_was_lost(night: Rehearsal) -> None:
    """The standby has taken over, and home has come back since."""
    await night.paged()
    await _succeeds(night, "region-failover")
    await night.until_well()
    await night.mend(HOME)
    await night.pass_time(_WELL)


async def _a_zone_was_left(night: Rehearsal) -> None:
    """The traffic was taken out of a zone, which has come back since."""
    await night.paged()
    await _succeeds(night, "evacuate-zone")
    await night.until_well()
    await night.mend(HOME)
    await night.pass_time(_WELL / 2)


async def _succeeds(night: Rehearsal, playbook: str) -> None:
    run = await night.run(playbook)
    if run.status != "succeeded":
        raise Refused(phrase(N_("{playbook} comes first, and did not succeed: see the timeline."), playbook=playbook))


STORIES: Mapping[str, Story] = {
    "restart-service": Story(("tasks:web",)),
    "rollback-release": Story(("release:web",)),
    "scale-out": Story(("load:web:2",)),
    "restore-table": Story(("table:orders",)),
    "restore-backup": Story(("table:orders",)),
    "restore-table-backup": Story(("table:orders",)),
    "restore-bucket": Story(("objects-deleted:assets/",)),
    "whole-service-restore": Story(
        ("table:orders", "objects:assets/", "release:web"),
        # Which of the three alarms is the first is chance, and each names only what it watches.
        {"table": ORDERS, "cluster": CLUSTER, "ecs_service": WEB},
    ),
    "undelete-table": Story(("table-deleted:carts",)),
    "restore-objects": Story(("objects:assets/",), {"prefix": "assets/"}),
    "database-failover": Story(("database:shop-db",)),
    "evacuate-zone": Story(("zone:use1-az1",)),
    "return-to-zone": Story(("zone:use1-az1",), before=_a_zone_was_left),
    "region-failover": Story((f"region:{HOME}",)),
    "region-failback": Story((f"region:{HOME}",), before=_home_was_lost),
}


def story_of(playbook: str, breaks: Sequence[str] = ()) -> Story:
    """The playbook's story, with these faults instead of its own. Raises `BadValue`.

    A playbook that goes back must have something to come back from: only a fault of the same kind takes the place of its own.
    """
    own = STORIES.get(playbook, Story())
    if not own.before:
        return replace(own, breaks=breaks or own.breaks)
    kinds = {parse(text).kind.written for text in own.breaks}
    first = [text for text in breaks if parse(text).kind.written in kinds]
    return replace(own, breaks=first or own.breaks, then=[text for text in breaks if text not in first])
