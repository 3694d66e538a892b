"""`region.healthy_again`: has the region been well for long enough to go back to it?"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import StringConstraints

from bot.aws.http import Answers, Question, Url
from bot.aws.region.known import REGIONS, answering_since
from bot.aws.region.losses import aged
from bot.aws.region.points import Point, green, listed, red, stopping
from bot.aws.region.services import NOTHING
from bot.errors import N_, phrase
from bot.playbook.action import Attempt, Aws, Done, Facts, Failed, InputType, Params, Progress, check
from escalation.duration import Duration

Names = Annotated[tuple[Annotated[str, StringConstraints(max_length=255)], ...], NOTHING, InputType("list")]


class Recovered(Params):
    """`alarms`: of that region, all of which must be OK for so long. `probe`: asks the service in that very region."""

    region: Annotated[str, InputType("region")]
    steady_for: Duration = timedelta(minutes=60)
    alarms: Names = ()
    probe: Url | None = None


@check(
    "region.healthy_again",
    Recovered,
    permissions=("cloudwatch:DescribeAlarms",),
    calls=("cloudwatch:DescribeAlarms",),
    recalls=(REGIONS,),
    takes=timedelta(seconds=10),
)
class HealthyAgain:
    """Holds when it has answered every survey for so long, its alarms are OK for so long, and the service there answers.

    What AWS itself says of the region (AWS Health) a person must look up: not every account may ask for it.
    """

    facts: ClassVar[Facts]

    def look(self, params: Recovered, aws: Aws, attempt: Attempt) -> Progress:
        points = [*_answers(params, attempt), *_alarms(params, aws, attempt), *_probe(params, aws, attempt)]
        if stops := stopping(points, ()):
            what = N_("{region} is not well for long enough ({names}). Look again later, or skip this check knowingly.")
            return Failed(listed(phrase(what, region=params.region, names=", ".join(stops)), points, ()))
        head = phrase(N_("{region} has been well for {length}."), region=params.region, length=params.steady_for)
        return Done(listed(head, points, ()))


def _answers(params: Recovered, attempt: Attempt) -> Iterator[Point]:
    since = answering_since(attempt.known, params.region, attempt.now)
    if since is None:
        yield red(
            "survey", phrase(N_("{region} does not answer our survey; see `lifeboat survey`."), region=params.region)
        )
    elif attempt.now - since < params.steady_for:
        what = N_("{region} has answered our survey for {age} only.")
        yield red("survey", phrase(what, region=params.region, age=aged(attempt, since)))
    else:
        what = N_("{region} has answered every survey for {age}.")
        yield green("survey", phrase(what, region=params.region, age=aged(attempt, since)))


def _alarms(params: Recovered, aws: Aws, attempt: Attempt) -> Iterator[Point]:
    """Each by its state and since when; one that is not there is red too."""
    if not params.alarms:
        return
    found = alarms(aws, params.alarms, params.region)
    for name in params.alarms:
        state, since = found.get(name, ("-", attempt.now))
        fields = {"alarm": name, "state": state, "age": aged(attempt, since)}
        well = state == "OK" and attempt.now - since >= params.steady_for
        yield (green if well else red)("alarms", phrase(N_("alarm {alarm} is {state} for {age}."), **fields))


def alarms(aws: Aws, names: tuple[str, ...], region: str | None = None) -> dict[str, tuple[str, datetime]]:
    """The state of each and since when it is in it, by name."""
    answer = aws.client("cloudwatch", region).describe_alarms(AlarmNames=list(names))
    found: list[Any] = [*answer.get("MetricAlarms", ()), *answer.get("CompositeAlarms", ())]
    return {
        one["AlarmName"]: (one["StateValue"], one.get("StateTransitionedTimestamp") or one["StateUpdatedTimestamp"])
        for one in found
    }


def _probe(params: Recovered, aws: Aws, attempt: Attempt) -> Iterator[Point]:
    if params.probe is None:
        return
    match Answers().look(Question(url=params.probe, times=1), aws, attempt):
        case Done(note=said):
            yield green("probe", said)
        case found:
            said = found.why if isinstance(found, Failed) else getattr(found, "note", phrase(N_("no answer")))
            yield red("probe", said)
