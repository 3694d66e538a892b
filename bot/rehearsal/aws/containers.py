"""ECS services whose tasks live: they start, stop, crash, are replaced, and are spread over zones.

moto keeps the clusters, the task definitions and what a service was asked to be; the tasks of services are ours
(`rollout.py`), and so are the records of their deployments (`releases.py`). Not emulated: task sets, daemons, external
deployments, ECS events on EventBridge.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.rehearsal.aws.call import Answer, AwsError, Call, Handler, Moto
from bot.rehearsal.aws.clock import Clock
from bot.rehearsal.aws.moto_app import ACCOUNT, backend
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.releases import Releases, images_of
from bot.rehearsal.aws.rollout import Deployment, Fate, Limits, Pace, Place, Rollout, Task
from bot.rehearsal.aws.wire import result_of

Key = tuple[str, str, str]  # region, cluster, service
_NEW_DEPLOYMENT = ("taskDefinition", "networkConfiguration", "platformVersion", "loadBalancers")


class Containers:
    """`pace`: how long each stage of a task lasts, before the clock's speed divides it."""

    def __init__(self, clock: Clock) -> None:
        self.pace = Pace(timedelta(seconds=1), timedelta(seconds=2), timedelta(seconds=2))
        self._clock = clock
        self.rollouts: dict[Key, Rollout] = {}
        self._releases = Releases(clock, self.rollouts)
        self._settings: dict[Key, dict[str, Any]] = {}
        self._crashing: set[Key] = set()
        self._bad: dict[str, Fate] = {}  # by the task definition's ARN

    @property
    def handlers(self) -> Mapping[tuple[str, str], Handler]:
        by_name: dict[str, Handler] = {
            "CreateService": self._create,
            "UpdateService": self._update,
            "DeleteService": self._delete,
            "DescribeServices": self._describe,
            "ListTasks": self._list_tasks,
            "DescribeTasks": self._describe_tasks,
            "StopTask": self._stop_task,
        }
        return {("ecs", name): handler for name, handler in by_name.items()} | self._releases.handlers

    def break_service(self, service: str, cluster: str = "default", region: str = "us-east-1") -> None:
        """From now on its new tasks crash as they start; what runs goes on."""
        self._crashing.add((region, cluster, service))

    def mend_service(self, service: str, cluster: str = "default", region: str = "us-east-1") -> None:
        self._crashing.discard((region, cluster, service))

    def sicken_tasks(
        self, service: str, cluster: str = "default", region: str = "us-east-1", count: int | None = None
    ) -> None:
        """Its tasks of this moment, or so many of them, report UNHEALTHY until they are replaced; new ones are healthy."""
        alive = [task for task in self.rollouts[region, cluster, service].tasks if task.wanted]
        for task in alive[:count]:
            task.healthy = False

    def spoil_release(self, task_definition: str, fate: Fate = "sick", region: str = "us-east-1") -> None:
        """From now on new tasks of `web:2` start and are unhealthy, or crash as they start."""
        self._bad[_definition(region, task_definition)] = fate

    async def _create(self, call: Call, moto: Moto) -> Answer:
        asked = call.parameters
        key = (call.region, _cluster(asked), asked["serviceName"])
        known = backend("ecs", call.region).services.get(f"{key[1]}:{key[2]}")
        if known is not None and known.status == "ACTIVE":
            raise AwsError("InvalidParameterException", "Creation of service was not idempotent.")
        reply = moto(call)
        if not reply.ok or asked.get("deploymentController", {}).get("type", "ECS") != "ECS":
            return reply
        service = result_of(call, reply)["service"]
        now = self._clock.now()
        self._settings[key] = {"deploymentConfiguration": _deployment_configuration(asked), "createdAt": now}
        rollout = Rollout(
            key[2], asked.get("desiredCount", 0), _limits(asked), self._pace(), lambda release: self._fate(key, release)
        )
        self.rollouts[key] = rollout
        definition = _definition(call.region, asked["taskDefinition"])
        rollout.deploy(definition, _places(call.region, asked), now, images_of(definition, call.region))
        return {"service": self._shown(key, service)}

    async def _update(self, call: Call, moto: Moto) -> Answer:
        asked, key = call.parameters, _key(call)
        rollout = self.rollouts.get(key)
        if rollout is not None:
            rollout.advance(self._clock.now())
        reply = moto(call)
        if not reply.ok or rollout is None:
            return reply
        rollout.desired = asked.get("desiredCount", rollout.desired)
        if "deploymentConfiguration" in asked:
            rollout.limits = _limits(asked)
            self._settings[key]["deploymentConfiguration"] = _deployment_configuration(asked)
        if asked.get("forceNewDeployment") or any(name in asked for name in _NEW_DEPLOYMENT):
            definition = asked.get("taskDefinition")
            resolved = _definition(call.region, definition) if definition else rollout.primary.task_definition
            places = _places(call.region, asked) if "networkConfiguration" in asked else rollout.primary.places
            rollout.deploy(resolved, places, self._clock.now(), images_of(resolved, call.region))
        return {"service": self._shown(key, result_of(call, reply)["service"])}

    async def _delete(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        rollout = self.rollouts.get(_key(call)) if reply.ok else None
        if rollout is not None:
            rollout.desired = 0
        return reply

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if not reply.ok:
            return reply
        result = result_of(call, reply)
        cluster = _cluster(call.parameters)
        result["services"] = [
            self._shown((call.region, cluster, each["serviceName"]), each) for each in result["services"]
        ]
        return result

    async def _list_tasks(self, call: Call, moto: Moto) -> Answer:
        reply = moto(call)
        if not reply.ok:
            return reply
        asked, now = call.parameters, self._clock.now()
        others = [] if "serviceName" in asked else result_of(call, reply)["taskArns"]
        mine = [_arn(key, task) for key, task in self._tasks_of(call, now) if _fits(key, task, asked)]
        return paged(call, {"taskArns": mine + others})

    async def _describe_tasks(self, call: Call, moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        mine = {task.id: (key, task) for key, task in self._tasks_of(call, now)}
        wanted = {name.rsplit("/", 1)[-1]: name for name in asked["tasks"]}
        shown = [self._shown_task(*mine[task], now) for task in wanted if task in mine]
        rest = [name for task, name in wanted.items() if task not in mine]
        others = result_of(call, moto(call.changed(tasks=rest)))["tasks"] if rest or not wanted else []
        found = {each["taskArn"].rsplit("/", 1)[-1] for each in others}
        missing = [{"arn": name, "reason": "MISSING"} for name in rest if name.rsplit("/", 1)[-1] not in found]
        return {"tasks": shown + others, "failures": missing}

    async def _stop_task(self, call: Call, moto: Moto) -> Answer:
        asked, now = call.parameters, self._clock.now()
        wanted = asked["task"].rsplit("/", 1)[-1]
        for key, task in self._tasks_of(call, now):
            if task.id == wanted:
                rollout = self.rollouts[key]
                rollout.stop(task, asked.get("reason") or "Task stopped by user", now)
                rollout.advance(now)
                return {"task": self._shown_task(key, task, now)}
        return moto(call)

    def _tasks_of(self, call: Call, now: datetime) -> list[tuple[Key, Task]]:
        """Every task of the call's cluster, played up to now."""
        found = []
        for key, rollout in self.rollouts.items():
            if key[:2] == (call.region, _cluster(call.parameters)):
                rollout.advance(now)
                found += [(key, task) for task in rollout.tasks]
        return found

    def _shown(self, key: Key, service: Mapping[str, Any]) -> dict[str, Any]:
        """A service as moto describes it, with what its tasks do."""
        rollout, now = self.rollouts.get(key), self._clock.now()
        if rollout is None:
            return dict(service)
        rollout.advance(now)
        return {
            **service,
            **self._settings[key],
            "desiredCount": rollout.desired,
            "runningCount": rollout.count("RUNNING", now),
            "pendingCount": rollout.count("PENDING", now) + rollout.count("PROVISIONING", now),
            "taskDefinition": rollout.primary.task_definition,
            "deployments": [_shown_deployment(rollout, each, now) for each in rollout.deployments],
            "events": [
                {"id": f"{at.timestamp():.6f}-{number}", "createdAt": at, "message": what}
                for number, (at, what) in enumerate(rollout.events)
            ],
        }

    def _shown_task(self, key: Key, task: Task, now: datetime) -> dict[str, Any]:
        region, cluster, service = key
        definition = backend("ecs", region).describe_task_definition(task.deployment.task_definition)
        status = task.status(now)
        health = "UNKNOWN" if status != "RUNNING" else "HEALTHY" if task.healthy else "UNHEALTHY"
        names = [each["name"] for each in definition.container_definitions]
        ended = {"exitCode": 1 if task.crashed else 0} if status == "STOPPED" else {}
        return {
            "taskArn": _arn(key, task),
            "clusterArn": _arn_of(region, f"cluster/{cluster}"),
            "taskDefinitionArn": task.deployment.task_definition,
            "group": f"service:{service}",
            "startedBy": task.deployment.id,
            "lastStatus": status,
            "desiredStatus": "RUNNING" if task.wanted else "STOPPED",
            "healthStatus": health,
            "availabilityZone": task.place.zone,
            "createdAt": task.created_at,
            "attachments": _attachments(task),
            "containers": [{"name": name, "lastStatus": status, "healthStatus": health, **ended} for name in names],
            **_times(task, now),
        }

    def _fate(self, key: Key, release: str) -> Fate:
        return "crashes" if key in self._crashing else self._bad.get(release, "healthy")

    def _pace(self) -> Pace:
        pace, speed = self.pace, self._clock.speed
        return Pace(pace.provisioning / speed, pace.pending / speed, pace.stopping / speed)


def _key(call: Call) -> Key:
    return call.region, _cluster(call.parameters), call.parameters["service"].rsplit("/", 1)[-1]


def _cluster(asked: Mapping[str, Any]) -> str:
    return str(asked.get("cluster") or "default").rsplit("/", 1)[-1]


def _definition(region: str, name: str) -> str:
    return str(backend("ecs", region).describe_task_definition(name).arn)


def _places(region: str, asked: Mapping[str, Any]) -> list[Place]:
    """One per subnet of the service; without subnets, the region's first three zones."""
    ec2 = backend("ec2", region)
    names = asked.get("networkConfiguration", {}).get("awsvpcConfiguration", {}).get("subnets", [])
    if names:
        return [Place(each.availability_zone, each.id) for each in ec2.describe_subnets(subnet_ids=names)]
    return [Place(zone.name, "") for zone in ec2.describe_availability_zones()[:3]]


def _deployment_configuration(asked: Mapping[str, Any]) -> dict[str, Any]:
    given = asked.get("deploymentConfiguration", {})
    breaker = {"enable": False, "rollback": False, **given.get("deploymentCircuitBreaker", {})}
    return {"maximumPercent": 200, "minimumHealthyPercent": 100, **given, "deploymentCircuitBreaker": breaker}


def _limits(asked: Mapping[str, Any]) -> Limits:
    settings = _deployment_configuration(asked)
    breaker = settings["deploymentCircuitBreaker"]
    return Limits(settings["minimumHealthyPercent"], settings["maximumPercent"], breaker["enable"], breaker["rollback"])


def _fits(key: Key, task: Task, asked: Mapping[str, Any]) -> bool:
    family = task.deployment.task_definition.rsplit("/", 1)[-1].rsplit(":", 1)[0]
    return bool(
        asked.get("serviceName", key[2]).rsplit("/", 1)[-1] == key[2]
        and asked.get("family", family) == family
        and asked.get("startedBy", task.deployment.id) == task.deployment.id
        and (asked.get("desiredStatus", "RUNNING") == "RUNNING") == task.wanted
    )


def _shown_deployment(rollout: Rollout, deployment: Deployment, now: datetime) -> dict[str, Any]:
    newest = deployment is rollout.primary
    running = rollout.count("RUNNING", now, deployment)
    pending = rollout.count("PENDING", now, deployment) + rollout.count("PROVISIONING", now, deployment)
    return {
        "id": deployment.id,
        "status": "PRIMARY" if newest else "ACTIVE",
        "taskDefinition": deployment.task_definition,
        "desiredCount": rollout.desired if newest else running + pending,
        "runningCount": running,
        "pendingCount": pending,
        "failedTasks": deployment.failed,
        "createdAt": deployment.created_at,
        "updatedAt": deployment.updated_at,
        "rolloutState": deployment.state,
        "rolloutStateReason": deployment.reason,
    }


def _times(task: Task, now: datetime) -> dict[str, Any]:
    """When a task started and how it ended, as far as it has come."""
    stopped = task.status(now) == "STOPPED"
    code = "EssentialContainerExited" if task.crashed else "ServiceSchedulerInitiated"
    known = {
        "startedAt": task.running_at if task.crash_at is None and now >= task.running_at else None,
        "stoppingAt": task.stopping_at,
        "stoppedAt": task.stopped_at if stopped else None,
        "stoppedReason": task.reason or None,
        "stopCode": code if stopped else None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _attachments(task: Task) -> list[dict[str, Any]]:
    if not task.place.subnet:
        return []
    details = [{"name": "subnetId", "value": task.place.subnet}]
    return [{"id": task.id, "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details}]


def _arn(key: Key, task: Task) -> str:
    return _arn_of(key[0], f"task/{key[1]}/{task.id}")


def _arn_of(region: str, name: str) -> str:
    return f"arn:aws:ecs:{region}:{ACCOUNT}:{name}"
