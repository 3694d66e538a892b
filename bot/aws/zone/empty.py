"""Is a zone left? `zone.empty`: no task and no instance of ours is in it any more, as AWS shows the tasks and instances."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, ClassVar

from bot.aws.asg.group import find_group, instances_in, is_shiftable
from bot.aws.ecs.placing import Path, tasks_by_zone
from bot.aws.ecs.service import Which
from bot.aws.polling import next_look
from bot.aws.zone.find import Zone, ZoneName, find_zone
from bot.aws.zone.obstacles import listing
from bot.errors import N_, Phrase, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, Working, check

_READS = (
    "autoscaling:DescribeAutoScalingGroups",
    "ec2:DescribeAvailabilityZones",
    "ecs:DescribeTasks",
    "ecs:ListTasks",
)
#: Tasks and instances that are ending may still be shown for so long.
_ENDING = timedelta(minutes=5)


class Emptied(Params):
    """A group that lets itself be shifted keeps its instances, so it is not looked at."""

    zone: ZoneName
    services: Annotated[tuple[Path, ...], InputType("ecs.services")] | None = None
    groups: Annotated[tuple[str, ...], InputType("autoscaling.groups")] | None = None


@check("zone.empty", Emptied, permissions=_READS, calls=_READS, takes=timedelta(seconds=10), looks_up=True)
class Empty:
    """Holds when nothing of these is in the zone; waits a few minutes for what is ending."""

    facts: ClassVar[Facts]

    def look(self, params: Emptied, aws: Aws, attempt: Attempt) -> Progress:
        zone = find_zone(aws, params.zone)
        left = [*_tasks(params, aws, zone), *_instances(params, aws, zone)]
        if not left:
            return Done(phrase(N_("Nothing of these is in {zone} any more."), zone=zone.id))
        if attempt.now - attempt.started_at < _ENDING:
            return Working(listing(left), again_in=next_look(attempt))
        return Failed(listing(left))


def _tasks(params: Emptied, aws: Aws, zone: Zone) -> Iterator[Phrase]:
    for path in params.services or ():
        cluster, _, name = path.partition("/")
        if count := tasks_by_zone(Which(cluster=cluster, service=name), aws)[zone.name]:
            what = N_("{service}: {there} tasks are still in {zone}")
            yield phrase(what, service=name, there=count, zone=zone.id)


def _instances(params: Emptied, aws: Aws, zone: Zone) -> Iterator[Phrase]:
    for name in params.groups or ():
        group = find_group(aws, name)
        if not is_shiftable(group) and (there := instances_in(group, zone)):
            what = N_("{group}: {there} instances are still in {zone}")
            yield phrase(what, group=name, there=len(there), zone=zone.id)
