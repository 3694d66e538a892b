"""Whether load balancers can do without a zone: `zone.can_shift`."""

from datetime import timedelta
from typing import ClassVar

from bot.aws.zone.find import LoadBalancers, ZoneName, find_balancer, find_zone
from bot.aws.zone.obstacles import AUTOSHIFTS, CALLS, READS, listing, obstacles
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Params, Progress, check


class Shiftable(Params):
    """`load_balancers`: their names or ARNs. Each is shifted on its own; all must be able to do without the zone."""

    zone: ZoneName
    load_balancers: LoadBalancers


@check(
    "zone.can_shift",
    Shiftable,
    permissions=(*READS, AUTOSHIFTS),
    calls=(*CALLS, AUTOSHIFTS),
    takes=timedelta(seconds=5),
    looks_up=True,
)
class CanShift:
    """Holds when each load balancer has opted in, nothing else shifts it, and the other zones have healthy targets."""

    facts: ClassVar[Facts]

    def look(self, params: Shiftable, aws: Aws, attempt: Attempt) -> Progress:  # noqa: ARG002  # nothing depends on it
        zone = find_zone(aws, params.zone)
        found = [
            problem for name in params.load_balancers for problem in obstacles(aws, zone, find_balancer(aws, name))
        ]
        if not params.load_balancers:
            return Failed(phrase(N_("No load balancer is named, so there is nothing to shift. Name at least one.")))
        if found:
            return Failed(listing(found))
        what = N_("{count} load balancers can do without {zone}: they have opted in, and the other zones are healthy.")
        return Done(phrase(what, count=len(params.load_balancers), zone=zone.id))
