"""ECS events: a service that cannot place or start tasks, a failed deployment, a task that died.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs_service_events.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bot.incident.alarm import Alarm, State
from bot.intake import fields
from bot.intake.message import Message

_SERVICE = frozenset({"ECS Service Action", "ECS Deployment State Change"})
_TASK = "ECS Task State Change"
_CALM = frozenset({"SERVICE_STEADY_STATE", "SERVICE_DEPLOYMENT_COMPLETED"})
#: A stop that somebody asked for: a deployment, a scale-in, a person.
_ASKED = frozenset({"UserInitiated", "ServiceSchedulerInitiated"})


def recognises(message: Message) -> bool:
    return message.data.get("source") == "aws.ecs" and fields.text(message.data.get("detail-type")) in {
        *_SERVICE,
        _TASK,
    }


def parse(message: Message) -> Sequence[Alarm]:
    data, detail = message.data, fields.mapping(message.data.get("detail"))
    is_task = data.get("detail-type") == _TASK
    account, region = fields.text(data.get("account")), fields.text(data.get("region"))
    cluster, service = _place(data, detail)
    about = f"{cluster}/{service}" if service else fields.first(data.get("resources"))
    alarm = Alarm(
        kind="ecs",
        # A task is counted under its service: a crash loop is one incident, with a new task each time.
        fingerprint=fields.fingerprint(account, region, "ecs", "task" if is_task else "service", about),
        name=fields.text(detail.get("eventName") or detail.get("stopCode") or data.get("detail-type")) + f": {about}",
        state=_task_state(detail) if is_task else _service_state(detail),
        reason=fields.text(detail.get("reason") or detail.get("stoppedReason")),
        account=account,
        region=region,
        arn=fields.first(data.get("resources")),
        changed_at=fields.moment(data.get("time")),
        resource="ecs",
        dimensions={"ClusterName": cluster, "ServiceName": service} if service else {"ClusterName": cluster},
        detail={
            "event": fields.text(data.get("detail-type")),
            "deployment": fields.text(detail.get("deploymentId")),
            "status": fields.text(detail.get("lastStatus")),
            "version": fields.text(detail.get("version")),
        },
    )
    return (alarm,)


def _place(data: Mapping[str, Any], detail: Mapping[str, Any]) -> tuple[str, str]:
    """(cluster, service), named as CloudWatch's dimensions are. The ARN is `…:service/<cluster>/<service>`."""
    kind, _, path = fields.arn(fields.first(data.get("resources"))).resource.partition("/")
    owner, _, name = path.rpartition("/")
    cluster = fields.arn(detail.get("clusterArn")).resource.partition("/")[2] or owner
    group = fields.text(detail.get("group"))
    if kind == "service":
        return cluster, name
    named = fields.text(detail.get("service") or detail.get("serviceName"))
    return cluster, named or (group.removeprefix("service:") if group.startswith("service:") else "")


def _service_state(detail: Mapping[str, Any]) -> State:
    if fields.text(detail.get("eventName")) in _CALM:
        return "ok"
    return "no_data" if detail.get("eventType") == "INFO" else "alarm"


def _task_state(detail: Mapping[str, Any]) -> State:
    """A task that runs or was told to stop is ordinary life, and so is one whose containers all ended with 0."""
    if detail.get("lastStatus") != "STOPPED" or fields.text(detail.get("stopCode")) in _ASKED:
        return "no_data"
    containers = [fields.mapping(container) for container in fields.sequence(detail.get("containers"))]
    ended_well = bool(containers) and all(container.get("exitCode") == 0 for container in containers)
    return "no_data" if ended_well else "alarm"
