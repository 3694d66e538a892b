"""Many services that are asked to grow: what was done so far, and whether they are ready.

What is ready is not asked again, so that a region of two hundred services costs few calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.aws.ecs.service import healthy_targets, target_groups
from bot.aws.polling import next_look
from bot.aws.region.known import Size
from bot.aws.region.services import batches, describe
from bot.aws.region.sizes import written
from bot.aws.slices import Slice
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Failed, Progress, Working

#: So much of what was asked for is enough where waiting for the rest costs more.
ENOUGH = 0.9
_NAMED = 5


@dataclass
class Work:
    """What is stored between calls. `sizes`: as they were; `goal`: the tasks that each shall have; `waiting`: not ready."""

    sizes: dict[str, Any] = field(default_factory=dict)
    goal: dict[str, int] = field(default_factory=dict)
    changed: int = 0
    asked: int = 0
    since: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, int] | None = None

    @property
    def memory(self) -> Mapping[str, Any]:
        return vars(self)

    @property
    def as_output(self) -> list[str]:
        return written({name: Size.model_validate(size) for name, size in self.sizes.items()})


def watch(aws: Aws, attempt: Attempt, work: Work, *, ungraceful: bool) -> Progress:
    """Ask after those that are not ready, as many as fit into a lease; what is ready is not asked again."""
    waiting, space = dict(work.goal) if work.waiting is None else dict(work.waiting), Slice()
    ready: dict[str, int] = {}
    for cluster, names in batches(list(waiting)):
        if space.is_over():
            break
        for name, service in describe(aws, cluster, names).items():
            ready[f"{cluster}/{name}"] = _ready(aws, service, work.goal[f"{cluster}/{name}"])
            space.spend()
    left = {name: ready.get(name, 0) for name in waiting if ready.get(name, 0) < work.goal[name]}
    work.waiting = left
    total = sum(work.goal.values())
    running_now = total - sum(work.goal[name] - count for name, count in left.items())
    fields = {"running": running_now, "wanted": total}
    if not left:
        said = phrase(N_("{running} of {wanted} tasks run and are healthy in {region}."), region=aws.region, **fields)
        return Done(said, {"sizes": work.as_output, **fields})
    if ungraceful and running_now >= ENOUGH * total:
        what = N_(
            "{running} of {wanted} tasks are ready in {region}, which is enough (ungraceful); missing: {services}"
        )
        return Done(
            phrase(what, region=aws.region, services=_named(left), **fields), {"sizes": work.as_output, **fields}
        )
    if work.refused and left.keys() <= work.refused.keys():
        what = N_("{services} could not be scaled: {why} Mend that, then retry; all others are ready.")
        return Failed(phrase(what, services=_named(left), why=next(iter(work.refused.values()))))
    what = N_("{running} of {wanted} tasks are ready in {region}; waiting for {services}")
    note = phrase(what, region=aws.region, services=_named(left), **fields)
    return Working(note, timedelta() if space.is_over() else next_look(attempt), work.memory)


def _ready(aws: Aws, service: Mapping[str, Any], tasks: int) -> int:
    """How many of its tasks run, and are healthy behind every load balancer."""
    ready = min(int(service["runningCount"]), tasks)
    for group in target_groups(service) if ready else ():
        ready = min(ready, healthy_targets(aws, group))
    return ready


def _named(services: Mapping[str, Any]) -> str:
    """The first of them."""
    rest = len(services) - _NAMED
    return ", ".join(list(services)[:_NAMED]) + (f" (+{rest})" if rest > 0 else "")
