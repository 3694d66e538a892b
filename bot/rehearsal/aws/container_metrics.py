"""What CloudWatch tells of ECS services and of Fargate: computed from the tasks that there were at each moment."""

from datetime import datetime

from bot.rehearsal.aws.containers import Containers
from bot.rehearsal.aws.metrics import Metric
from bot.rehearsal.aws.outages import Outages
from bot.rehearsal.aws.quotas import FARGATE_VCPUS, QUOTAS
from bot.rehearsal.aws.rollout import Rollout
from bot.rehearsal.aws.tasks import Task

#: Percent of its CPU that a task uses when there are as many as the load needs.
_USUAL_CPU = 50.0
_USAGE = QUOTAS[FARGATE_VCPUS].usage


class ContainerMetrics:
    """What has been forgotten of long stopped tasks (`rollout.py`) is missing in the past."""

    def __init__(self, outages: Outages, containers: Containers) -> None:
        self._outages, self._containers = outages, containers

    def metric(self, metric: Metric, at: datetime) -> float | None:
        """A source of `Metrics`."""
        if self._outages.region_is_dark(metric.region, at):
            return None
        self._containers.fleet(metric.region).advance()
        if metric.namespace == _USAGE["MetricNamespace"] and metric.dimensions == _USAGE["MetricDimensions"]:
            return self._vcpus(metric.region, at) if metric.name == _USAGE["MetricName"] else None
        key = (metric.region, metric.dimensions.get("ClusterName", ""), metric.dimensions.get("ServiceName", ""))
        rollout = self._containers.rollouts.get(key)
        if rollout is None or at < rollout.history[-1].created_at:
            return None
        return _of_service(rollout, metric, at)

    def _vcpus(self, region: str, at: datetime) -> float:
        rollouts = [one for key, one in self._containers.rollouts.items() if key[0] == region]
        return sum(task.size for one in rollouts for task in one.tasks if _is_there(task, at))


def _of_service(rollout: Rollout, metric: Metric, at: datetime) -> float | None:
    there = [task for task in rollout.tasks if _is_there(task, at)]
    running = [task for task in there if task.status(at) == "RUNNING"]
    match metric.namespace, metric.name:
        case "ECS/ContainerInsights", "RunningTaskCount":
            return float(len(running))
        case "ECS/ContainerInsights", "PendingTaskCount":
            return float(sum(at < task.running_at for task in there))
        case "ECS/ContainerInsights", "DesiredTaskCount":
            return float(rollout.desired)
        case "AWS/ECS", "CPUUtilization":
            load = rollout.scaling.load if rollout.scaling else rollout.desired
            return min(100.0, _USUAL_CPU * load / len(running)) if running else None
    return None


def _is_there(task: Task, at: datetime) -> bool:
    return task.created_at <= at and (task.stopped_at is None or at < task.stopped_at)
