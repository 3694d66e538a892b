"""The kinds of job: work that follows from a change of state, written in the same transaction as the change.

A job is a row. It is delivered at least once, so every handler is safe to run twice and says how. A worker leases due
rows of one lane, and writes the result only while its lease (the fence) still holds.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any


class Lane(IntEnum):
    """Lanes never wait for each other; within a process each has its own places. The number is the order of care."""

    ALARM = 0  #: alarms that were accepted, not yet looked at
    TIMER = 1  #: escalation steps that are due
    PAGE = 2  #: pages to people
    AWS = 3  #: steps of playbooks, and polls of them
    SLACK = 4  #: channels, cards, edits
    BULK = 5  #: everything that can wait: sweeps, tidying


#: What a night depends on. The others may stand still as long as Slack does, and people are paged all the same.
URGENT: frozenset[Lane] = frozenset({Lane.ALARM, Lane.TIMER, Lane.PAGE, Lane.AWS})


#: The lane that the running task works for; None: somebody waits for the answer. Where tasks share something that only
#: one can have (the embedded database's connection), who is in a hurry is served first.
SERVING: ContextVar[Lane | None] = ContextVar("serving", default=None)

#: A worker that died holds its jobs no longer than this, so that another takes over within 15 s.
LEASE = timedelta(seconds=12)


@dataclass(frozen=True)
class Kind:
    """One kind of job. `attempts`: after how many a failing job is set aside as dead and reported."""

    name: str
    lane: Lane
    attempts: int = 12


ALARM = Kind("alarm", Lane.ALARM, attempts=5)
ESCALATE = Kind("escalate", Lane.TIMER, attempts=1000)
PAGE = Kind("page", Lane.PAGE, attempts=1000)
PLAN_RUN = Kind("plan-run", Lane.AWS)
STEP = Kind("step", Lane.AWS, attempts=1000)
RENEW = Kind("renew", Lane.AWS, attempts=40)
RUN_TIMER = Kind("run-timer", Lane.TIMER, attempts=1000)
CONSIDER = Kind("consider", Lane.TIMER, attempts=1000)
OPEN_ROOM = Kind("open-room", Lane.SLACK, attempts=40)
INVITE = Kind("invite", Lane.SLACK)
DRAW_CARD = Kind("draw-card", Lane.SLACK, attempts=40)
DRAW_PAGE = Kind("draw-page", Lane.SLACK)
DRAW_RUN = Kind("draw-run", Lane.SLACK, attempts=40)
SAY = Kind("say", Lane.SLACK, attempts=40)
DRAW_HOME = Kind("draw-home", Lane.SLACK)
POST_GRAPH = Kind("post-graph", Lane.BULK)
ASK_GROUPS = Kind("ask-groups", Lane.BULK)
SWEEP = Kind("sweep", Lane.BULK, attempts=1000)
TIDY = Kind("tidy", Lane.BULK, attempts=1000)
SURVEY = Kind("survey", Lane.BULK, attempts=1000)
AUDIT = Kind("audit", Lane.BULK, attempts=1000)
REMIND = Kind("remind", Lane.TIMER, attempts=1000)
HEARTBEAT = Kind("heartbeat", Lane.BULK, attempts=1000)

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        ALARM, ESCALATE, PAGE, PLAN_RUN, STEP, RENEW, RUN_TIMER, CONSIDER, OPEN_ROOM, INVITE, DRAW_CARD, DRAW_PAGE, DRAW_RUN,
        SAY, DRAW_HOME, POST_GRAPH, ASK_GROUPS, SWEEP, TIDY, SURVEY, AUDIT, REMIND, HEARTBEAT,
    )
}  # fmt: skip


@dataclass(frozen=True)
class NewJob:
    """A job to be written. `due_at` None: now. `key`: while a job with this key waits, another is not added."""

    kind: Kind
    payload: Mapping[str, Any] = field(default_factory=dict)
    due_at: datetime | None = None
    key: str | None = None


@dataclass(frozen=True)
class Job:
    """A job that this worker has leased. `attempts` counts this delivery too; `fence` proves that the lease is ours."""

    id: int
    kind: Kind
    payload: Mapping[str, Any]
    due_at: datetime
    attempts: int
    fence: int
    created_at: datetime

    @property
    def again(self) -> bool:
        """An earlier delivery may have done some of this job: look before acting."""
        return self.attempts > 1
