"""The tasks of services, one by one: listed, described, stopped. Those that nobody's service has started are moto's."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from bot.rehearsal.aws.call import Answer, Call, Handler, Moto
from bot.rehearsal.aws.container_views import arn_of_task, cluster_of, shown_task
from bot.rehearsal.aws.fleet import Fleet
from bot.rehearsal.aws.paging import paged
from bot.rehearsal.aws.rollout import Rollout
from bot.rehearsal.aws.task_definitions import containers_of
from bot.rehearsal.aws.tasks import Key, Task
from bot.rehearsal.aws.wire import result_of


class ServiceTasks:
    """The tasks of the rollouts of `Containers`."""

    def __init__(self, rollouts: Mapping[Key, Rollout], fleet: Callable[[str], Fleet]) -> None:
        self._rollouts, self._fleet = rollouts, fleet

    @property
    def handlers(self) -> dict[tuple[str, str], Handler]:
        return {
            ("ecs", "ListTasks"): self._list,
            ("ecs", "DescribeTasks"): self._describe,
            ("ecs", "StopTask"): self._stop,
        }

    async def _list(self, call: Call, moto: Moto) -> Answer:
        asked = call.parameters
        self._fleet(call.region).advance()
        mine = [arn_of_task(key, task) for key, task in self._all(call) if _fits(key, task, asked)]
        if "serviceName" in asked and _service_of(call) in self._rollouts:
            return paged(call, {"taskArns": mine})
        reply = moto(call)
        if not reply.ok:
            return reply
        others = [] if "serviceName" in asked else result_of(call, reply)["taskArns"]
        return paged(call, {"taskArns": mine + others})

    async def _describe(self, call: Call, moto: Moto) -> Answer:
        now = self._fleet(call.region).advance()
        mine = {task.id: (key, task) for key, task in self._all(call)}
        wanted = {name.rsplit("/", 1)[-1]: name for name in call.parameters["tasks"]}
        shown = [_shown(*mine[task], now) for task in wanted if task in mine]
        rest = [name for task, name in wanted.items() if task not in mine]
        others = result_of(call, moto(call.changed(tasks=rest)))["tasks"] if rest or not wanted else []
        found = {each["taskArn"].rsplit("/", 1)[-1] for each in others}
        missing = [{"arn": name, "reason": "MISSING"} for name in rest if name.rsplit("/", 1)[-1] not in found]
        return {"tasks": shown + others, "failures": missing}

    async def _stop(self, call: Call, moto: Moto) -> Answer:
        asked, fleet = call.parameters, self._fleet(call.region)
        now = fleet.advance()
        wanted = asked["task"].rsplit("/", 1)[-1]
        for key, task in self._all(call):
            if task.id == wanted:
                self._rollouts[key].stop(task, asked.get("reason") or "Task stopped by user", now)
                fleet.changed(self._rollouts[key], now)
                return {"task": _shown(key, task, now)}
        return moto(call)

    def _all(self, call: Call) -> list[tuple[Key, Task]]:
        """Every task of the call's cluster."""
        where = (call.region, cluster_of(call.parameters))
        return [(key, task) for key, rollout in self._rollouts.items() if key[:2] == where for task in rollout.tasks]


def _service_of(call: Call) -> Key:
    return call.region, cluster_of(call.parameters), call.parameters["serviceName"].rsplit("/", 1)[-1]


def _shown(key: Key, task: Task, now: datetime) -> dict[str, Any]:
    return shown_task(key, task, containers_of(task.deployment.task_definition, key[0]), now)


def _fits(key: Key, task: Task, asked: Mapping[str, Any]) -> bool:
    family = task.deployment.task_definition.rsplit("/", 1)[-1].rsplit(":", 1)[0]
    return bool(
        asked.get("serviceName", key[2]).rsplit("/", 1)[-1] == key[2]
        and asked.get("family", family) == family
        and asked.get("startedBy", task.deployment.id) == task.deployment.id
        and (asked.get("desiredStatus", "RUNNING") == "RUNNING") == task.wanted
    )
