"""What is asked of a zonal shift, whoever started it."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import StringConstraints

from bot.aws.tokens import is_of_incident
from bot.aws.zone.find import Balancer, Managed, Zone, ZoneName
from bot.playbook.action import Attempt, Aws, Params

#: What IAM calls a load balancer.
ARNS = ("arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/*",)

Shift = Mapping[str, Any]  # as GetManagedResource shows it


class Where(Params):
    """`load_balancer`: its name or its ARN."""

    load_balancer: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    zone: ZoneName


def shift_of(managed: Managed | None, zone: Zone) -> Shift | None:
    """The shift away from that zone, whoever started it."""
    if managed is None:
        return None
    return next((one for one in managed["zonalShifts"] if one["awayFrom"] == zone.id), None)


def is_ours(shift: Shift, attempt: Attempt) -> bool:
    """Whether anything of this incident started it."""
    return is_of_incident(shift["comment"], attempt)


def touched(aws: Aws, balancer: Balancer) -> tuple[str, ...]:
    return (f"elb:{aws.region}:{balancer['LoadBalancerName']}",)
