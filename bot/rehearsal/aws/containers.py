"""ECS services whose tasks live: they start, register with load balancers, stop, crash, are replaced, and are spread over zones.

moto keeps the clusters, the task definitions and what a service was asked to be; the tasks of services are ours
(`rollout.py`, `fleet.py`), and so are the records of their deployments (`releases.py`). Not emulated: task sets, daemons,
external deployments, capacity of EC2 instances, ECS events on EventBridge, the balancing of tasks over zones anew.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.capacity import Capacity, bounds_of
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.container_views import as_kept, cluster_of, shown_service
from bot.rehearsal.aws.fleet import Fleet
from bot.rehearsal.aws.health_checks import check_of, drain_of
from bot.rehearsal.aws.moto_app import backend
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.quotas import Quotas
from bot.rehearsal.aws.releases import Releases
from bot.rehearsal.aws.rollout import Rollout
from bot.rehearsal.aws.scaling import Scaling
from bot.rehearsal.aws.service_tasks import ServiceTasks
from bot.rehearsal.aws.task_definitions import definition_arn, images_of, runs_on_fargate, vcpus_of
from bot.rehearsal.aws.tasks import Behind, Fate, Key, Limits, Pace, Place, Task
from bot.rehearsal.aws.wire import result_of
from bot.rehearsal.aws.zones import zones_of

_NEW_DEPLOYMENT = ("taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers")
#: What moto forgets of a service; with ECS's own defaults.
_KEPT: Mapping[str, Any] = {"availabilityZoneRebalancing": "ENABLED", "healthCheckGracePeriodSeconds": 0}


class Containers:
    """`rollouts` are the services that live, by region, cluster and name. `pace` is a task's, before the clock's speed."""

    def __init__(self, clock: Clock, outages: Outages, quotas: Quotas) -> None:
        self._clock, self._outages, self._quotas = clock, outages, quotas
        self.pace = Pace(timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=2))
        self.rollouts: dict[Key, Rollout] = {}
        self._fleets: dict[str, Fleet] = {}
        self._releases = Releases(self.rollouts, self.fleet)
        self._tasks = ServiceTasks(self.rollouts, self.fleet)
        self._capacity = Capacity(self.rollouts, self.fleet)
        self._settings: dict[Key, dict[str, Any]] = {}
        self._crashing: set[Key] = set()
        self._bad: dict[str, Fate] = {}  # by the task definition's ARN
        outages.watch(self._expect_surprises)

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateService": self._create,
            "UpdateService": self._update,
            "DeleteService": self._delete,
            "DescribeServices": self._describe,
        }
        mine = {("ecs", name): handler for name, handler in by_name.items()}
        return mine | self._tasks.handlers | self._releases.handlers | self._capacity.handlers

    def break_service(self, service: str, cluster: str = "default", region: str = "us-east-1") -> None:
        """From now on its new tasks crash as they start; what runs goes on."""
        self._crashing.add((region, cluster, service))

    def mend_service(self, service: str, cluster: str = "default", region: str = "us-east-1") -> None:
        self._crashing.discard((region, cluster, service))

    def sicken_tasks(
        self, service: str, cluster: str = "default", region: str = "us-east-1", count: int | None = None
    ) -> None:
        """Its tasks of this moment, or so many of them, report UNHEALTHY until somebody replaces them; new ones are healthy.

        ECS itself leaves them alone, behind a load balancer too: else there would be nothing to rehearse.
        """
        alive = [task for task in self.rollouts[region, cluster, service].tasks if task.wanted]
        for task in alive[:count]:
            task.sick_since = self._clock.now()
        self._expect_surprises()

    def spoil_release(self, task_definition: str, fate: Fate = "sick", region: str = "us-east-1") -> None:
        """From now on new tasks of `web:2` start and are unhealthy, fail their callers, or crash as they start."""
        self._bad[definition_arn(task_definition, region)] = fate

    def set_load(self, service: str, tasks: int, cluster: str = "default", region: str = "us-east-1") -> None:
        """How many tasks the service needs from now on; at first as many as it was made with. Scaling follows it."""
        scaling = self.rollouts[region, cluster, service].scaling
        assert scaling is not None
        scaling.load = tasks
        scaling.moved(self._clock.now())
        self._expect_surprises()

    def answering(self, service: str, cluster: str = "default", region: str = "us-east-1") -> list[Task]:
        """Its tasks that run, are healthy behind their load balancers, and answer whoever asks them."""
        now = self.fleet(region).advance()
        tasks = self.rollouts[region, cluster, service].tasks
        return [task for task in tasks if task.wanted and task.ready(now) and task.answers(now)]

    def targets(self, group: str, region: str, at: datetime) -> Iterator[tuple[Task, Behind]]:
        """The tasks that a target group knew at that moment: registered, or leaving it."""
        self.fleet(region).advance()
        for key, rollout in self.rollouts.items():
            for task in rollout.tasks if key[0] == region else ():
                leaving = task.drained_at is None or at < task.drained_at
                for behind in task.behind:
                    if behind.group == group and task.registered and task.running_at <= at and leaving:
                        yield task, behind

    def fleet(self, region: str) -> Fleet:
        if region not in self._fleets:
            self._fleets[region] = Fleet(region, self._clock, self._outages, self._quotas, self.rollouts)
        return self._fleets[region]

    async def _create(self, call: Call, moto: Moto) -> Answer:
        asked = call.parameters
        key = (call.region, cluster_of(asked), asked["serviceName"])
        known = backend("ecs", call.region).services.get(f"{key[1]}:{key[2]}")
        if known is not None and known.status == "ACTIVE":
            raise AwsError("InvalidParameterException", "Creation of service was not idempotent.")
        reply = moto(call)
        if not reply.ok or asked.get("deploymentController", {}).get("type", "ECS") != "ECS":
            return reply
        service = result_of(call, reply)["service"]
        fleet = self.fleet(call.region)
        now = fleet.advance()
        self._settings[key] = {**_KEPT, "deploymentConfiguration": _deployment_configuration(asked), "createdAt": now}
        fate = lambda release: self._fate(key, release)  # noqa: E731  # it is one thing with the key
        rollout = Rollout(key, asked.get("desiredCount", 0), _limits(asked), self._pace(), fleet, fate)
        rollout.scaling = Scaling(rollout.desired, now, lambda: bounds_of(key), self._clock.scaled)
        if runs_on_fargate(asked):
            rollout.size_of = lambda release: vcpus_of(release, call.region)
        self.rollouts[key] = rollout
        definition = definition_arn(asked["taskDefinition"], call.region)
        self._set(key, rollout, asked)
        network = asked.get("networkConfiguration", {})
        rollout.deploy(definition, _places(call.region, asked), now, images_of(definition, call.region), network)
        fleet.changed(rollout, now)
        return {"service": self._shown(key, service, now)}

    async def _update(self, call: Call, moto: Moto) -> Answer:
        asked, key = call.parameters, _key(call)
        rollout = self.rollouts.get(key)
        now = self.fleet(call.region).advance()
        reply = moto(call)
        if not reply.ok or rollout is None:
            return reply
        if "desiredCount" in asked and rollout.scaling:
            rollout.scaling.moved(now)
        rollout.desired = asked.get("desiredCount", rollout.desired)
        if "deploymentConfiguration" in asked:
            rollout.limits = _limits(asked)
            self._settings[key]["deploymentConfiguration"] = _deployment_configuration(asked)
        self._set(key, rollout, asked)
        if asked.get("forceNewDeployment") or any(name in asked for name in _NEW_DEPLOYMENT):
            self._deploy(call, rollout, now)
        self.fleet(call.region).changed(rollout, now)
        return {"service": self._shown(key, result_of(call, reply)["service"], now)}

    def _deploy(self, call: Call, rollout: Rollout, now: datetime) -> None:
        asked, newest = call.parameters, rollout.primary
        definition = asked.get("taskDefinition")
        resolved = definition_arn(definition, call.region) if definition else newest.task_definition
        places = _places(call.region, asked) if "networkConfiguration" in asked else newest.places
        network = asked.get("networkConfiguration", newest.network)
        rollout.deploy(resolved, places, now, images_of(resolved, call.region), network)

    def _set(self, key: Key, rollout: Rollout, asked: Mapping[str, Any]) -> None:
        """What moto does not keep of a service's settings."""
        settings = self._settings[key]
        settings |= {name: asked[name] for name in (*_KEPT, "loadBalancers") if name in asked}
        rollout.grace = self._clock.scaled(settings["healthCheckGracePeriodSeconds"])
        rollout.behind = [
            self._behind(key[0], one) for one in settings.get("loadBalancers", ()) if "targetGroupArn" in one
        ]

    def _behind(self, region: str, balancer: Mapping[str, Any]) -> Behind:
        group = balancer["targetGroupArn"]
        return Behind(
            group,
            balancer.get("containerPort", 80),
            lambda: check_of(group, region, self._clock),
            lambda: drain_of(group, region, self._clock),
        )

    async def _delete(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        rollout = self.rollouts.get(_key(call)) if reply.ok else None
        if rollout is not None:
            now = self.fleet(call.region).advance()
            rollout.desired = 0
            self.fleet(call.region).changed(rollout, now)
        return reply

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        now, cluster = self.fleet(call.region).advance(), cluster_of(call.parameters)
        keys = [(call.region, cluster, name.rsplit("/", 1)[-1]) for name in call.parameters.get("services", ())]
        kept = backend("ecs", call.region).services
        if all(key in self.rollouts and f"{cluster}:{key[2]}" in kept for key in keys):
            tags = "TAGS" in call.parameters.get("include", ())
            found = [self._shown(key, as_kept(kept[f"{cluster}:{key[2]}"], tags=tags), now) for key in keys]
            return {"services": found, "failures": []}
        reply = moto(call)
        if not reply.ok:
            return reply
        result = result_of(call, reply)
        result["services"] = [
            self._shown((call.region, cluster, each["serviceName"]), each, now) for each in result["services"]
        ]
        return result

    def _shown(self, key: Key, service: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """A service as moto describes it, with what its tasks do."""
        rollout = self.rollouts.get(key)
        if rollout is None:
            return dict(service)
        return {**service, **self._settings[key], **shown_service(rollout, now)}

    def _fate(self, key: Key, release: str) -> Fate:
        return "crashes" if key in self._crashing else self._bad.get(release, "healthy")

    def _pace(self) -> Pace:
        pace, speed = self.pace, self._clock.speed
        return Pace(pace.provisioning / speed, pace.pending / speed, pace.stopping / speed)

    def _expect_surprises(self) -> None:
        for fleet in tuple(self._fleets.values()):
            fleet.expect_surprises()


def _key(call: Call) -> Key:
    return call.region, cluster_of(call.parameters), call.parameters["service"].rsplit("/", 1)[-1]


def _places(region: str, asked: Mapping[str, Any]) -> list[Place]:
    """One per subnet of the service; without subnets, the region's first three zones."""
    names = asked.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets", [])
    if names:
        return [
            Place(one.availability_zone, one.id) for one in backend("ec2", region).describe_subnets(subnet_ids=names)
        ]
    return [Place(zone.name, "") for zone in zones_of(region)[:3]]


def _deployment_configuration(asked: Mapping[str, Any]) -> dict[str, Any]:
    given = asked.get("deploymentConfiguration", {})
    breaker = {"enable": False, "rollback": False, **given.get("deploymentCircuitBreaker", {})}
    return {"maximumPercent": 200, "minimumHealthyPercent": 100, **given, "deploymentCircuitBreaker": breaker}


def _limits(asked: Mapping[str, Any]) -> Limits:
    settings = _deployment_configuration(asked)
    breaker = settings["deploymentCircuitBreaker"]
    return Limits(settings["minimumHealthyPercent"], settings["maximumPercent"], breaker["enable"], breaker["rollback"])
