"""`ecs.service_steady`: do all tasks run, healthy, and stay so?"""

from datetime import datetime, timedelta
from typing import ClassVar

from bot.aws.ecs.deploying import waiting_for
from bot.aws.ecs.service import Which, counts, describe, has_failed, inactive, primary_of
from bot.aws.polling import next_look
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, Progress, Working, check
from escalation.duration import Duration


class Steady(Which):
    """`steady_for`: how long the tasks must keep running, so that one which starts and dies is not taken for healthy."""

    steady_for: Duration = timedelta(seconds=15)


@check(
    "ecs.service_steady",
    Steady,
    permissions=("ecs:DescribeServices", "elasticloadbalancing:DescribeTargetHealth"),
    calls=("ecs:DescribeServices", "elbv2:DescribeTargetHealth"),
    takes=timedelta(seconds=30),
)
class ServiceSteady:
    """Holds when every task runs, is healthy behind its load balancer, and has stayed so for a while."""

    facts: ClassVar[Facts]

    def look(self, params: Steady, aws: Aws, attempt: Attempt) -> Progress:
        service = describe(params, aws)
        if problem := inactive(params, service) or has_failed(params, primary_of(service)):
            return Failed(problem)
        waiting = waiting_for(params, aws, service)
        if waiting:
            return Working(waiting, again_in=next_look(attempt))
        since = datetime.fromisoformat(attempt.memory.get("steady_since", attempt.now.isoformat()))
        if attempt.now - since < params.steady_for:
            note = phrase(N_("{service} is steady; watching whether it stays so"), service=params.service)
            return Working(note, again_in=params.steady_for, memory={"steady_since": since.isoformat()})
        what = N_("{service} is steady: {running} of {desired} tasks are running.")
        return Done(phrase(what, **counts(params, service)))
