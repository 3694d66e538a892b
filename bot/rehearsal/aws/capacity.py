"""What other services know of ECS's tasks: the free addresses of subnets, and what may be scaled and how far."""

from collections.abc import Callable, Mapping

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.fleet import Fleet
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.rollout import Rollout
from bot.rehearsal.aws.scaling import Bounds
from bot.rehearsal.aws.tasks import Key
from bot.rehearsal.aws.wire import result_of

_DIMENSION = "ecs:service:DesiredCount"


class Capacity:
    """Around the rollouts of `Containers`."""

    def __init__(self, rollouts: Mapping[Key, Rollout], fleet: Callable[[str], Fleet]) -> None:
        self._rollouts, self._fleet = rollouts, fleet

    @property
    def handlers(self) -> dict[tuple[str, str], Handler]:
        return {
            ("application-autoscaling", "RegisterScalableTarget"): self._bound,
            ("application-autoscaling", "DeregisterScalableTarget"): self._bound,
            ("ec2", "DescribeSubnets"): self._subnets,
        }

    async def _bound(self, call: Call, moto: Moto) -> Answer:
        now = self._fleet(call.region).advance()
        reply = moto(call)
        _, _, name = str(call.parameters["ResourceId"]).partition("service/")
        cluster, _, service = name.partition("/")
        rollout = self._rollouts.get((call.region, cluster, service)) if reply.ok else None
        if rollout is not None and rollout.scaling:
            rollout.scaling.moved(now)
            self._fleet(call.region).changed(rollout, now)
        return reply

    async def _subnets(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if not reply.ok:
            return reply
        fleet, result = self._fleet(call.region), result_of(call, reply)
        fleet.advance()
        for subnet in result["Subnets"]:
            subnet["AvailableIpAddressCount"] -= fleet.taken(subnet["SubnetId"])
        return result


def bounds_of(key: Key) -> Bounds | None:
    """Those of a service as moto keeps them; None: it is not scaled."""
    region, cluster, service = key
    targets = backend("applicationautoscaling", region).targets.get(_DIMENSION, {})
    target = targets.get(f"service/{cluster}/{service}")
    if target is None:
        return None
    suspended = target.suspended_state or {}
    return Bounds(
        target.min_capacity, target.max_capacity,
        scales_in=not suspended.get("DynamicScalingInSuspended", False),
        scales_out=not suspended.get("DynamicScalingOutSuspended", False),
    )  # fmt: skip
