"""What the health checks of a load balancer find of one target, as a function of time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.spells import Spell

Health = Literal["initial", "healthy", "unhealthy"]


@dataclass(frozen=True)
class HealthCheck:
    """`healthy` and `unhealthy`: how many checks in a row change the mind of the load balancer.

    The first check that a new target passes makes it healthy.
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html
    """

    interval: timedelta
    healthy: int
    unhealthy: int

    def story(self, since: datetime, down: Iterable[Spell]) -> list[tuple[datetime, Health]]:
        """Each change from the registration on, oldest first; what is to come too, as far as nothing else happens."""
        found: list[tuple[datetime, Health]] = [(since, "initial")]
        for start, end, up in _segments(since, down):
            state: Health = "healthy" if up else "unhealthy"
            before = found[-1][1]
            checks = 1 if up and before == "initial" else self.healthy if up else self.unhealthy
            changes = start + checks * self.interval
            if state != before and (end is None or changes <= end):
                found.append((changes, state))
        return found

    def state(self, since: datetime, down: Iterable[Spell], at: datetime) -> Health:
        return [state for when, state in self.story(since, down) if when <= at or when == since][-1]


def check_of(group: str, region: str, clock: Clock) -> HealthCheck:
    """As a target group (its ARN) is set up; as AWS sets one up, when it is gone."""
    found = backend("elbv2", region).target_groups.get(group)
    if found is None:
        return HealthCheck(clock.scaled(30), healthy=5, unhealthy=2)
    return HealthCheck(
        clock.scaled(float(found.health_check_interval_seconds)),
        int(found.healthy_threshold_count),
        int(found.unhealthy_threshold_count),
    )


def drain_of(group: str, region: str, clock: Clock) -> timedelta:
    """How long a target stays behind after it was deregistered."""
    found = backend("elbv2", region).target_groups.get(group)
    return clock.scaled(float(found.attributes["deregistration_delay.timeout_seconds"])) if found else timedelta()


def _segments(since: datetime, down: Iterable[Spell]) -> Iterator[tuple[datetime, datetime | None, bool]]:
    """Start, end and whether it answered meanwhile, from `since` on without a gap."""
    at: datetime | None = since
    for spell in down:
        if at is None or (spell.end is not None and spell.end <= at):
            continue
        if spell.start > at:
            yield at, spell.start, True
        yield max(at, spell.start), spell.end, False
        at = spell.end
    if at is not None:
        yield at, None, True
