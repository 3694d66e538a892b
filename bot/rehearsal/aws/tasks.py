"""What a task of an ECS service is, where it is, and how it fares; and the deployment that started it."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot.rehearsal.aws.health_checks import Health, HealthCheck
from bot.rehearsal.aws.spells import Spell

Key = tuple[str, str, str]  # region, cluster, service
Status = Literal["PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "DEPROVISIONING", "STOPPED"]
RolloutState = Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
#: `errors`: it passes its health checks, and fails whoever asks it for something.
Fate = Literal["healthy", "sick", "errors", "crashes"]


@dataclass(frozen=True)
class Pace:
    """How long each stage of a task lasts."""

    provisioning: timedelta
    pending: timedelta
    stopping: timedelta


@dataclass(frozen=True)
class Place:
    zone: str
    subnet: str


@dataclass(frozen=True)
class Image:
    """What a container runs, and what that name meant when it was deployed."""

    container: str
    name: str
    digest: str


@dataclass(frozen=True)
class Limits:
    """`deploymentConfiguration`, with the defaults of ECS."""

    minimum_percent: int = 100
    maximum_percent: int = 200
    breaker: bool = False
    rollback: bool = False


@dataclass(frozen=True)
class Behind:
    """A target group that the tasks register with, and the port that they listen on."""

    group: str
    port: int
    check: Callable[[], HealthCheck]
    drain: Callable[[], timedelta]


@dataclass(eq=False)
class Task:
    """`dark` tells when its zone was. `size`: vCPUs that count against a quota."""

    deployment: "Deployment"
    place: Place
    created_at: datetime
    pending_at: datetime
    running_at: datetime
    crash_at: datetime | None
    behind: Sequence[Behind]
    dark: Callable[[], Iterable[Spell]]
    address: str = ""
    size: float = 0
    fate: Fate = "healthy"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    sick_since: datetime | None = None
    stopping_at: datetime | None = None
    drained_at: datetime | None = None
    stopped_at: datetime | None = None
    reason: str = ""
    holds: bool = True

    def status(self, at: datetime) -> Status:
        if self.is_ending(at):
            if self.stopped_at is not None and at >= self.stopped_at:
                return "STOPPED"
            return "DEACTIVATING" if self.drained_at and at < self.drained_at else "DEPROVISIONING"
        if at >= self.running_at:
            return "RUNNING"
        return "PENDING" if at >= self.pending_at else "PROVISIONING"

    def is_ending(self, at: datetime) -> bool:
        """Or has ended."""
        return self.stopping_at is not None and at >= self.stopping_at

    @property
    def wanted(self) -> bool:
        return self.stopping_at is None

    @property
    def crashed(self) -> bool:
        return self.crash_at is not None and self.stopped_at == self.crash_at

    @property
    def registered(self) -> bool:
        """Whether it ever came so far that load balancers knew it."""
        return self.crash_at is None and (self.stopping_at is None or self.stopping_at >= self.running_at)

    def answers(self, at: datetime) -> bool:
        """Whether whoever asks it hears anything."""
        return not self.is_sick(at) and not any(spell.covers(at) for spell in self.dark())

    def is_sick(self, at: datetime) -> bool:
        return self.fate == "sick" or (self.sick_since is not None and at >= self.sick_since)

    def health(self, behind: Behind, at: datetime) -> Health:
        """As that target group has found it."""
        down = list(self._down())
        return behind.check().state(self.running_at, down, at) if down else self._well(behind, at)

    def ready(self, at: datetime) -> bool:
        """Running, and healthy behind every load balancer: what deployments count."""
        return self.status(at) == "RUNNING" and all(self.health(one, at) == "healthy" for one in self.behind)

    def milestones(self) -> list[datetime | None]:
        """The instants at which something changes for it by itself."""
        if self.stopping_at is not None:
            return [self.stopped_at]
        down = list(self._down())
        checked = [when for one in self.behind for when, _ in one.check().story(self.running_at, down)]
        return [self.pending_at, self.running_at, self.crash_at, *checked]

    def _well(self, behind: Behind, at: datetime) -> Health:
        return "healthy" if at >= self.running_at + behind.check().interval else "initial"

    def _down(self) -> Iterable[Spell]:
        """When its health checks fail; a sick task never recovers."""
        sick = self.running_at if self.fate == "sick" else self.sick_since
        for spell in self.dark():
            if sick is not None and (spell.end is None or spell.end >= sick):
                yield Spell(min(spell.start, sick))
                return
            yield spell
        if sick is not None:
            yield Spell(sick)


@dataclass(eq=False)
class Deployment:
    task_definition: str
    places: Sequence[Place]
    created_at: datetime
    updated_at: datetime
    images: Sequence[Image] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: f"ecs-svc/{uuid.uuid4().int % 10**19:019d}")
    state: RolloutState = "IN_PROGRESS"
    reason: str = ""
    failed: int = 0
    rolled_back_by: "Deployment | None" = None
