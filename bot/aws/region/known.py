"""What is known of a service's regions before the night: the survey's keys, and what stands under them.

A failover asks the failing region nothing, so what it needs of it was written down by `bot/aws/survey.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.playbook.action import Memo

#: How keys begin, for `Facts.recalls`.
REGIONS, SERVICES, TABLES, DATABASES, QUOTAS = "region:", "ecs:", "table:", "aurora:", "quota:"
#: Samples of this age no longer count, as in Region switch's `sampledMaxInLast24Hours`.
SAMPLED_FOR = timedelta(hours=24)
#: The survey comes every five minutes: a region that missed two of them did not answer.
MISSED = timedelta(minutes=11)

Known = Mapping[str, Memo]


class _Noted(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Size(_Noted):
    """How many tasks a service is to run, and the least that autoscaling holds it to (None: it does nothing there)."""

    desired: int
    minimum: int | None = None


class Running(_Noted):
    """One ECS service in one region. `hours`: the most tasks that ran in each hour of the last day, `2026-11-23T03`.

    `warm`: its size while the other region did the work, for the region that stands by.
    """

    status: str
    running: int
    desired: int
    minimum: int | None = None
    maximum: int | None = None
    task_definition: str
    cpu: int = 0
    images: tuple[str, ...] = ()
    hours: Mapping[str, int] = Field(default_factory=dict)
    warm: Size | None = None

    @property
    def most(self) -> int:
        """The most tasks that are known to have run."""
        return max((self.running, *self.hours.values()))


class Replica(_Noted):
    """One table in one region. `latency`: the longest that a write took from here in the last ten minutes, in ms."""

    status: str
    replicas: Mapping[str, str] = Field(default_factory=dict)
    latency: Mapping[str, float] = Field(default_factory=dict)


class Database(_Noted):
    """An Aurora global database as a secondary region sees it. `lag` in ms."""

    status: str
    writer: str = ""
    lag: float | None = None


Noted = TypeVar("Noted", bound=_Noted)


@dataclass(frozen=True)
class Seen(Generic[Noted]):
    """A value and when AWS last said so."""

    value: Noted
    at: datetime


def service_key(region: str, service: str) -> str:
    """`service` is written `cluster/service`."""
    return f"{SERVICES}{region}:{service}"


def table_key(region: str, table: str) -> str:
    return f"{TABLES}{region}:{table}"


def database_key(region: str, global_cluster: str) -> str:
    return f"{DATABASES}{region}:{global_cluster}"


def region_key(region: str) -> str:
    """Since when the region has answered every survey."""
    return f"{REGIONS}{region}"


def quota_key(region: str) -> str:
    """Fargate's free vCPUs."""
    return f"{QUOTAS}{region}:fargate"


def recall(known: Known, key: str, kind: type[Noted]) -> Seen[Noted] | None:
    """What is known under a key; None: the survey has never seen it, or noted it in a way that is not ours."""
    memo = known.get(key)
    if memo is None:
        return None
    try:
        return Seen(kind.model_validate(memo.value), memo.seen_at)
    except ValidationError:
        return None


def answering_since(known: Known, region: str, now: datetime) -> datetime | None:
    """Since when the region has answered every survey; None: it does not, or nobody has asked."""
    memo = known.get(region_key(region))
    if memo is None or now - memo.seen_at > MISSED:
        return None
    return datetime.fromisoformat(memo.value["since"])


def running(known: Known, region: str, service: str) -> Seen[Running] | None:
    return recall(known, service_key(region, service), Running)


def replica(known: Known, region: str, table: str) -> Seen[Replica] | None:
    return recall(known, table_key(region, table), Replica)


def database(known: Known, region: str, global_cluster: str) -> Seen[Database] | None:
    return recall(known, database_key(region, global_cluster), Database)
